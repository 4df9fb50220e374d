internal import CLinux
import CMicroHTTP
import CMicroHTTPSystem
import Control
internal import Glibc
import WebAccess

/// What the server's thread does: one poll over the library's descriptor and the connections to the control socket.
/// All of it is of that thread, so nothing here is locked.
@safe final class WebLoop {
  let terms: WebTerms
  let gate: Gate
  private let wake: Int32
  private var daemon: OpaquePointer?
  private var epoll: Int32 = -1

  /// For all that is asked once.
  var link: ControlLink?
  /// Who waits for which reply, and to what.
  var pending: [Int: (exchange: Exchange, op: String)] = [:]
  var streams: [EventStream] = []
  /// Connections, and since when each owes us a whole request; nil while we owe it an answer.
  var visitors: [Int32: Int?] = [:]
  var counts = Counts()
  private var tokenMark: TokenFile.Mark?
  private var tokenBook = TokenBook()
  private var swept = monotonicSeconds()

  struct Counts {
    var answers: [Int: Int] = [:]
    var lateRequests = 0
    var seconds = 0.0
  }

  init(_ terms: WebTerms, address: WebAddress, wake: Int32) {
    self.terms = terms
    self.wake = wake
    let hosts: HostList
    switch address {
    case .network(_, let port): hosts = HostList(terms.hosts, loopbackPort: port)
    case .path: hosts = HostList(terms.hosts + ["localhost"], loopbackPort: nil)
    }
    gate = Gate(hosts: hosts, routes: RouteTable(), maximumBody: terms.limits.bodyBytes)
  }

  /// Thread: control, before the loop's own runs.
  func start(_ listener: Int32) -> Bool {
    var wanted = unsafe cmicrohttp_terms()
    unsafe wanted.listener = listener
    unsafe wanted.connections = UInt32(terms.limits.connections)
    unsafe wanted.connections_per_address = UInt32(terms.limits.connectionsPerAddress)
    unsafe wanted.timeout_seconds = UInt32(terms.limits.idleSeconds)
    unsafe wanted.header_bytes = terms.limits.headerBytes
    unsafe wanted.owner = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe wanted.handler = webHandleRequest
    unsafe wanted.completed = webRequestCompleted
    unsafe wanted.connection = webConnectionChanged
    if let pair = terms.certificate {
      unsafe daemon = pair.certificate.withCString { certificate in
        unsafe pair.key.withCString { key in
          unsafe wanted.certificate = certificate
          unsafe wanted.key = key
          return unsafe cmicrohttp_start(&wanted)
        }
      }
    } else {
      unsafe daemon = unsafe cmicrohttp_start(&wanted)
    }
    guard let daemon = unsafe daemon else { return false }
    epoll = unsafe cmicrohttp_epoll(daemon)
    return epoll >= 0
  }

  /// Until somebody wakes it.
  func run() {
    while unsafe daemon != nil {
      let watched = watchedDescriptors()
      var entries = watched.map { pollfd(fd: $0.number, events: Int16($0.events), revents: 0) }
      _ = unsafe poll(&entries, nfds_t(entries.count), timeout)
      if entries[0].revents != 0 { return }
      let now = monotonicSeconds()
      hearDaemon(at: now)
      hearStreams(at: now)
      if now != swept {
        swept = now
        sweep(at: now)
      }
      unsafe _ = MHD_run(daemon)
    }
  }

  private func watchedDescriptors() -> [(number: Int32, events: Int32)] {
    var watched: [(number: Int32, events: Int32)] = [(wake, POLLIN), (epoll, POLLIN)]
    func add(_ link: ControlLink, reading: Bool) {
      watched.append((link.number, (reading ? POLLIN : 0) | (link.wantsToWrite ? POLLOUT : 0)))
    }
    if let link { add(link, reading: true) }
    for stream in streams {
      if !stream.isEnding { add(stream.link, reading: stream.wantsMore) }
      watched.append((stream.socket, Int32(EPOLLRDHUP.rawValue)))
    }
    return watched
  }

  /// Once a second at least, and at once where the library has something left.
  private var timeout: Int32 {
    var left: UInt64 = 1000
    guard let daemon = unsafe daemon, unsafe MHD_get_timeout(daemon, &left) == .YES else { return 1000 }
    return Int32(min(left, 1000))
  }

  /// Thread: the server's; or control, where there never was one.
  func finish() {
    for waiting in pending.values {
      waiting.exchange.stage = .ready(.failure(ControlError(.unavailable, "the server stops", retry: 1000)))
      resume(waiting.exchange)
    }
    pending = [:]
    for stream in streams {
      stream.end("stopping", at: monotonicSeconds())
      resume(stream.exchange)
    }
    if let daemon = unsafe daemon {
      // What was woken says its last words.
      unsafe _ = MHD_run(daemon)
      unsafe MHD_stop_daemon(daemon)
    }
    unsafe daemon = nil
    streams = []
    link = nil
  }

  // MARK: Connections

  func sleep(_ exchange: Exchange) {
    guard !exchange.isSuspended else { return }
    exchange.isSuspended = true
    unsafe MHD_suspend_connection(exchange.connection)
  }

  func resume(_ exchange: Exchange) {
    guard exchange.isSuspended else { return }
    exchange.isSuspended = false
    unsafe MHD_resume_connection(exchange.connection)
  }

  /// Once a second.
  private func sweep(at now: Int) {
    for (socket, since) in visitors {
      guard let since, now - since > terms.limits.requestSeconds else { continue }
      // The library sees the end of what it reads, and closes.
      counts.lateRequests += 1
      shutdown(socket, Int32(SHUT_RDWR))
      visitors[socket] = .some(nil)
    }
    var late: [Exchange] = []
    for waiting in pending.values where now - waiting.exchange.since > terms.limits.replySeconds {
      if !late.contains(where: { $0 === waiting.exchange }) { late.append(waiting.exchange) }
    }
    for exchange in late { answer(exchange, .failure(ControlError(.timeout, "the daemon did not answer in time"))) }
    for stream in streams {
      if let token = stream.token, case .valid(let found) = tokens().find(token.secret, at: calendarSeconds()),
        found.scope >= .read
      {
        stream.beat(every: terms.limits.heartbeatSeconds, at: now)
      } else {
        stream.end("token", at: now)
      }
      if stream.waitingBytes > 0 || stream.isEnding { resume(stream.exchange) }
    }
  }

  /// As the file has them now. One that cannot be read lets nobody in.
  func tokens() -> TokenBook {
    let mark = terms.tokens.mark
    if mark != tokenMark || mark == nil {
      tokenMark = mark
      tokenBook = (try? terms.tokens.read()) ?? TokenBook()
    }
    return tokenBook
  }
}
