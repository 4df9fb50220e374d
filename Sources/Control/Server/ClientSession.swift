/// One connected client: lines in, lines out, both bounded. It ends itself on every kind of misuse, with a reason where
/// the client still listens.
@ControlActor
public final class ClientSession {
  /// Unique within the daemon's life.
  public nonisolated let id: Int
  public nonisolated let uid: UInt32
  public nonisolated let pid: Int32
  let server: ControlSocket

  private var descriptor: Descriptor?
  private var watch: DescriptorWatch?
  private var input: LineBuffer
  private var output: OutgoingQueue
  private var lineTimer: LoopTimer?
  private var graceTimer: LoopTimer?
  private var closeHandlers: [@ControlActor () -> Void] = []
  private var flushIsPosted = false
  private var turnIsPosted = false
  /// The peer writes no more; it may still read.
  private var inputEnded = false
  /// A reason was given; only what is queued still goes out.
  private var isEnding = false
  private var parseErrorsInRow = 0
  /// Descriptors that came with lines which are still to be answered.
  private var brought: [DescriptorParcel] = []
  /// What the verb at work wants its reply to take along.
  var passing: [DescriptorParcel] = []
  /// Deferred verbs under way.
  var tasks: [Int: Task<Void, Never>] = [:]
  var lastTask = 0

  init(id: Int, descriptor: consuming Descriptor, peer: PeerCredentials, server: ControlSocket) throws(SystemError) {
    self.id = id
    uid = peer.uid
    pid = peer.pid
    self.server = server
    input = LineBuffer(maximumBytes: ControlProtocol.maximumLineBytes)
    output = OutgoingQueue(limits: server.limits.outgoing)
    let number = descriptor.number
    self.descriptor = consume descriptor
    watch = try EventLoop.shared.watch(number, for: .read) { [weak self] in self?.handle($0) }
  }

  /// Whether the connection is gone or about to be.
  public var isClosed: Bool { isEnding || descriptor == nil }

  /// Bytes this client has still to read.
  public var waitingBytes: Int { output.waitingBytes }

  /// Events this client did not read in time.
  public var lostEvents: Int { output.lostEvents }

  /// Runs `body` once when the connection ends: for what lives only as long as its client.
  public func onClose(_ body: @escaping @ControlActor () -> Void) { closeHandlers.append(body) }

  // MARK: descriptors

  /// Descriptors that may wait for a line to be answered; and so many that wait with replies make requests wait.
  static let broughtLimit = 8
  private static let passedLimit = 8

  /// For a verb's `run`: its reply takes these along. The client has them before or with the reply's line.
  public func pass(_ parcel: DescriptorParcel) { passing.append(parcel) }

  /// For a verb's `run`: the oldest descriptor that the client sent with its request and nobody has taken.
  public func takeDescriptor() -> DescriptorParcel? { brought.isEmpty ? nil : brought.removeFirst() }

  // MARK: out

  func send(_ reply: JSON, with parcels: [DescriptorParcel] = []) {
    guard !isClosed else { return }
    let bytes = reply.bytes
    guard bytes.count <= ControlProtocol.maximumLineBytes else {
      let error = ControlError(.tooLarge, "the reply does not fit a line", hint: "ask for less at once")
      return queue(Reply.failure(error, id: reply["id"], form: .canonical).bytes)
    }
    queue(bytes, with: parcels)
  }

  /// Whether a window's event would leave at once.
  func hasRoom(for topic: String) -> Bool { !isClosed && output.hasRoom(topic) }

  func deliver(_ event: EventText, form: RequestForm) {
    guard !isClosed else { return }
    let lostBefore = output.lostEvents
    let fits = output.add(event, form: form)
    server.statistics.lostEvents += output.lostEvents - lostBefore
    if fits {
      flushSoon()
    } else {
      output.removeEntries()
      end(reason: "slow_reader", "events were not read in time")
    }
  }

  private func queue(_ line: [UInt8], with parcels: [DescriptorParcel] = []) {
    output.add(line: line + [0x0A], with: parcels)
    flushSoon()
  }

  /// Several lines of one turn leave in one write.
  private func flushSoon() {
    guard !flushIsPosted else { return }
    flushIsPosted = true
    EventLoop.shared.post { [weak self] in
      self?.flushIsPosted = false
      self?.flush()
    }
  }

  private func flush() {
    let wasPaused = isPaused
    writing: while let (bytes, start) = output.next() {
      switch write(bytes, from: start) {
      case .bytes(let count): output.advance(by: count)
      case .wouldBlock: break writing
      case .end, .failed: return finish()
      }
    }
    guard descriptor != nil else { return }
    if output.isEmpty, isEnding || isDone { return finish() }
    if wasPaused, !isPaused { postTurn() }
    updateInterest()
  }

  private func write(_ bytes: [UInt8], from start: Int) -> Transfer {
    switch descriptor {
    case .some(let descriptor): descriptor.send(bytes, from: start, with: output.passing)
    case .none: .end
    }
  }

  // MARK: in

  /// So much is unread that requests wait too.
  private var isPaused: Bool {
    output.waitingBytes > server.limits.outgoing.bytes / 2 || output.waitingDescriptors > Self.passedLimit
  }

  /// Half-closed, and nothing is owed any more.
  private var isDone: Bool {
    inputEnded && input.isEmpty && tasks.isEmpty && output.isEmpty && server.bus.topicNames(of: self).isEmpty
  }

  private func handle(_ readiness: Readiness) {
    if readiness.contains(.write) { flush() }
    guard descriptor != nil else { return }
    if !isEnding, !inputEnded, !isPaused {
      takeTurn(reading: true)
    } else if readiness.contains(.hangup) {
      finish()
    }
  }

  /// Answers a bounded number of requests; what is left waits for the next turn of the loop, after the other clients.
  private func takeTurn(reading: Bool) {
    var budget = server.limits.requestsPerTurn
    let before = budget
    takeLines(&budget)
    if reading, budget > 0, !isEnding { receive() }
    takeLines(&budget)
    // What no line has asked for by now was meant for none.
    if input.isEmpty { brought = [] }
    guard descriptor != nil else { return }
    if inputEnded, !isEnding, !isPaused, budget > 0, !input.isEmpty { take(input.rest()) }
    watchLine(tookLines: budget < before)
    if input.hasLine() || inputEnded && !input.isEmpty, !isPaused, !isEnding { postTurn() }
    if isDone { return finish() }
    updateInterest()
  }

  private func postTurn() {
    guard !turnIsPosted else { return }
    turnIsPosted = true
    EventLoop.shared.post { [weak self] in
      guard let self else { return }
      turnIsPosted = false
      if descriptor != nil, !isEnding, !isPaused { takeTurn(reading: false) }
    }
  }

  private func receive() {
    switch server.receive(from: descriptor, &brought) {
    case .bytes(let count): input.append(server.scratch[..<count])
    case .end: inputEnded = true
    case .wouldBlock: break
    case .failed: finish()
    }
  }

  private func takeLines(_ budget: inout Int) {
    while budget > 0, !isClosed, !isPaused {
      if input.isTooLong() {
        send(
          RefusedRequest(
            ControlError(.tooLarge, "a line holds at most \(ControlProtocol.maximumLineBytes) bytes")
          ).reply)
        return end(reason: "too_large")
      }
      guard let line = input.next() else { return }
      budget -= 1
      take(line)
    }
  }

  private func take(_ line: [UInt8]) {
    guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return }
    server.statistics.requests += 1
    do throws(RefusedRequest) {
      let request = try RequestLine(line)
      parseErrorsInRow = 0
      answer(request)
    } catch {
      send(error.reply)
      guard error.error.code == .parse else { return }
      server.statistics.parseErrors += 1
      parseErrorsInRow += 1
      if parseErrorsInRow >= server.limits.parseErrorsInRow {
        end(reason: "parse", "\(parseErrorsInRow) lines in a row were no requests")
      }
    }
  }

  /// A line once begun must end in time, however slowly its bytes drip in.
  private func watchLine(tookLines: Bool) {
    let isPartial = !isEnding && !inputEnded && !input.isEmpty && !input.hasLine()
    if let timer = lineTimer, tookLines || !isPartial {
      EventLoop.shared.cancel(timer)
      lineTimer = nil
    }
    guard isPartial, lineTimer == nil else { return }
    lineTimer = EventLoop.shared.schedule(after: server.limits.lineTimeout) { [weak self] in self?.lineTimedOut() }
  }

  private func lineTimedOut() {
    lineTimer = nil
    guard !isClosed else { return }
    guard !isPaused else { return watchLine(tookLines: false) }
    send(RefusedRequest(ControlError(.timeout, "the line did not end within \(server.limits.lineTimeout)")).reply)
    end(reason: "timeout")
  }

  private func updateInterest() {
    var interest: Readiness = []
    if !isEnding, !inputEnded, !isPaused, !turnIsPosted { interest.insert(.read) }
    if !output.isEmpty { interest.insert(.write) }
    do throws(SystemError) {
      try watch?.change(to: interest)
    } catch {
      finish()
    }
  }

  // MARK: end

  /// Says why, lets what is queued go out for a short while, and closes.
  func end(reason: String, _ message: String? = nil) {
    guard !isClosed else { return }
    var farewell: JSONObject = ["event": "bye", "reason": .string(reason)]
    if let message { farewell["message"] = .string(message) }
    queue(JSON.object(farewell).bytes)
    isEnding = true
    server.bus.unsubscribe(self)
    for task in tasks.values { task.cancel() }
    updateInterest()
    graceTimer = EventLoop.shared.schedule(after: server.limits.closeGrace) { [weak self] in self?.finish() }
  }

  /// Closes now.
  func finish() {
    guard descriptor != nil else { return }
    watch?.cancel()
    watch = nil
    descriptor = nil
    isEnding = true
    for timer in [lineTimer, graceTimer] { timer.map(EventLoop.shared.cancel) }
    server.bus.unsubscribe(self)
    for task in tasks.values { task.cancel() }
    tasks = [:]
    output.removeEntries()
    brought = []
    server.remove(self)
    let handlers = closeHandlers
    closeHandlers = []
    for handler in handlers { handler() }
  }

  /// A deferred verb has answered.
  func taskEnded(_ number: Int) {
    tasks[number] = nil
    if isDone { flushSoon() }
  }
}
