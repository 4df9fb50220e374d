import AudioCore
import AudioIO
import CJACK
import CJACKSystem
import CLinux
import Glibc
import Synchronization

/// A JACK server's devices as they come and go. While somebody observes, a client of ours without ports is in the server, and
/// a thread waits for what it is told; without a server it asks every few seconds whether there is one.
final class JACKDevices: DeviceWatch {
  let system = "jack"
  private let server: String
  private let thread = Mutex<(thread: pthread_t, keeper: PortWatch)?>(nil)

  init(server: String) { self.server = server }

  deinit { observe(nil) }

  func observe(_ seen: (@Sendable (DeviceSnapshot) -> Void)?) {
    thread.withLock { running in
      if let (thread, keeper) = running {
        keeper.tellToEnd()
        pthread_join(thread, nil)
        running = nil
      }
      guard let seen else { return }
      let keeper = PortWatch(server, seen)
      var thread = pthread_t()
      let own = Unmanaged.passRetained(keeper)
      guard pthread_create(&thread, nil, portWatchMain, own.toOpaque()) == 0 else {
        own.release()
        return seen(DeviceSnapshot(trouble: BackendError(.deviceLost, "no thread to watch JACK with")))
      }
      running = (thread, keeper)
    }
  }
}

/// What the thread does.
private final class PortWatch: @unchecked Sendable {
  private let server: String
  private let seen: @Sendable (DeviceSnapshot) -> Void
  private let news = WakeSignal()
  private let isTold = Atomic<Bool>(false)
  private let facts: UnsafeMutablePointer<ServerFacts>
  /// The thread's.
  private var told: DeviceSnapshot?

  /// Ports come one by one.
  private static let settle = HostDuration.milliseconds(50)
  private static let shortest = HostDuration.seconds(1)
  private static let longest = HostDuration.seconds(8)

  init(_ server: String, _ seen: @escaping @Sendable (DeviceSnapshot) -> Void) {
    self.server = server
    self.seen = seen
    facts = .allocate(capacity: 1)
    facts.initialize(to: ServerFacts(streamRate: .codec, news: news.renderFace, gone: JACKLibrary.goneMark))
  }

  deinit {
    facts.deinitialize(count: 1)
    facts.deallocate()
  }

  func tellToEnd() {
    isTold.store(true, ordering: .releasing)
    news.wake()
  }

  private var isOver: Bool { isTold.load(ordering: .acquiring) }

  func run() {
    _ = clinux_thread_setup("streamd-jackdev", 0)
    var pipe = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipe, nil)
    var wait = Self.shortest
    while !isOver {
      do throws(BackendError) {
        facts.pointee.forget()
        let client = try JACKLibrary.open("streamd.devices", on: server)
        wait = Self.shortest
        stay(with: client)
        JACKLibrary.close(client)
        if !isOver { tell(DeviceSnapshot(trouble: ServerFailure.gone(server))) }
      } catch {
        tell(DeviceSnapshot(trouble: error))
      }
      pause(until: renderNow() + wait)
      wait = min(wait + wait, Self.longest)
    }
  }

  private func stay(with client: OpaquePointer) {
    jack_set_graph_order_callback(client, orderChanged, facts)
    jack_set_port_registration_callback(client, portChanged, facts)
    jack_on_info_shutdown(client, serverLeft, facts)
    guard jack_activate(client) == 0 else { return }
    defer { jack_deactivate(client) }
    let rate = Int(jack_get_sample_rate(client))
    while !isOver, !facts.pointee.isLost.load(ordering: .acquiring) {
      let ticket = news.ticket
      tell(PortListing.snapshot(ports(client), rate: rate) { $0.hasPrefix("streamd") })
      guard !isOver, !facts.pointee.isLost.load(ordering: .acquiring) else { return }
      news.wait(since: ticket, until: nil)
      pause(until: renderNow() + Self.settle, whileThere: true)
    }
  }

  private func ports(_ client: OpaquePointer) -> [ServerPort] {
    guard let names = jack_get_ports(client, nil, JACK_DEFAULT_AUDIO_TYPE, 0) else { return [] }
    defer { jack_free(names) }
    var found: [ServerPort] = []
    while found.count < 4096, let raw = names[found.count] {
      var port = ServerPort(name: String(cString: raw), isOutput: false, isPhysical: false)
      // It may be gone by now.
      if let handle = jack_port_by_name(client, raw) {
        let flags = UInt32(bitPattern: jack_port_flags(handle))
        port.isOutput = flags & JackPortIsOutput.rawValue != 0
        port.isPhysical = flags & JackPortIsPhysical.rawValue != 0
        port.alias = alias(of: handle)
      }
      found.append(port)
    }
    return found
  }

  private func alias(of port: OpaquePointer) -> String {
    let length = Int(jack_port_name_size())
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 2 * length) { room in
      guard let base = room.baseAddress else { return "" }
      room.initialize(repeating: 0)
      let both: [UnsafeMutablePointer<CChar>?] = [base, base + length]
      let count = both.withUnsafeBufferPointer { jack_port_get_aliases(port, $0.baseAddress) }
      return count > 0 ? String(cString: base) : ""
    }
  }

  private func pause(until time: HostTime, whileThere: Bool = false) {
    while !isOver, renderNow() < time, !whileThere || !facts.pointee.isLost.load(ordering: .acquiring) {
      let ticket = news.ticket
      guard !isOver else { return }
      news.wait(since: ticket, until: time)
    }
  }

  private func tell(_ snapshot: DeviceSnapshot) {
    guard snapshot != told else { return }
    told = snapshot
    seen(snapshot)
  }
}

private func portWatchMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<PortWatch>.fromOpaque(raw!).takeRetainedValue().run()
  return nil
}
