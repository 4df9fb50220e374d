/// One client of a door, and its connection to the control socket. What either says is translated for the other. Where one
/// does not read, the other is not read from: nothing grows without bound.
@ControlActor
final class DoorClient {
  let id: Int
  private unowned let door: FramedDoor
  private var near: DoorEnd?
  private var far: DoorEnd?
  private var frames: FrameBuffer
  private var lines = LineBuffer(maximumBytes: ControlProtocol.maximumLineBytes)
  private var dialect: any DoorDialect
  /// What waits for the client still goes out, and nothing else happens.
  private var isEnding = false
  private var turnIsPosted = false
  private var frameTimer: LoopTimer?
  private var graceTimer: LoopTimer?

  /// Frames and lines that are translated in one turn of the loop.
  private static let turn = 64

  /// `descriptor` is the client's; `socket` is connected to the control socket.
  init(
    id: Int, _ descriptor: consuming Descriptor, to socket: consuming Descriptor, dialect: any DoorDialect,
    door: FramedDoor
  ) throws(SystemError) {
    self.id = id
    self.door = door
    self.dialect = dialect
    frames = FrameBuffer(maximumBytes: door.limits.frameBytes, skippableBytes: door.limits.skippableBytes)
    near = try DoorEnd(descriptor) { [weak self] in self?.nearIsReady($0) }
    do throws(SystemError) {
      far = try DoorEnd(socket) { [weak self] in self?.farIsReady($0) }
    } catch {
      near?.close()
      throw error
    }
    attend()
  }

  // MARK: in

  private var hasRoom: Bool { (near?.waitingBytes ?? 0) < door.limits.waitingBytes }

  /// The daemon is asked for no more than it and the client keep up with.
  private var mayAsk: Bool {
    !isEnding && dialect.isReady && hasRoom && (far?.waitingBytes ?? 0) < door.limits.waitingBytes
  }

  private func nearIsReady(_ readiness: Readiness) {
    guard let near else { return }
    if readiness.contains(.hangup) {
      // Its last words are heard, however many: a socket holds only so much.
      while let bytes = near.receive(into: &door.scratch) { frames.append(bytes) }
      near.hangUp()
      endSoon()
    } else if readiness.contains(.read), mayAsk, !frames.hasPiece, let bytes = near.receive(into: &door.scratch) {
      frames.append(bytes)
    }
    work()
  }

  private func farIsReady(_ readiness: Readiness) {
    guard let far else { return }
    if readiness.contains(.hangup) {
      while let bytes = far.receive(into: &door.scratch) { lines.append(bytes) }
      far.hangUp()
    } else if readiness.contains(.read), hasRoom, !lines.hasLine(), let bytes = far.receive(into: &door.scratch) {
      lines.append(bytes)
    }
    work()
  }

  // MARK: at work

  private func work() {
    var budget = Self.turn
    var before = 0
    var tookFrames = false
    repeat {
      before = budget
      takeLines(&budget)
      let left = budget
      takeFrames(&budget)
      if budget < left { tookFrames = true }
      far?.flush()
      near?.flush()
    } while budget > 0 && budget < before
    watchFrame(tookFrames: tookFrames)
    conclude()
    attend()
  }

  private func takeLines(_ budget: inout Int) {
    while budget > 0, !isEnding, hasRoom, let line = lines.next() {
      budget -= 1
      say(dialect.take(line: line))
    }
    // The daemon's lines are never longer than a line may be.
    if !isEnding, lines.isTooLong() { end() }
  }

  private func takeFrames(_ budget: inout Int) {
    while budget > 0, mayAsk, let piece = frames.next() {
      budget -= 1
      switch piece {
      case .frame(let frame): say(dialect.take(frame: frame))
      case .tooLong(let length):
        refuse(ControlError(.tooLarge, "a frame holds at most \(door.limits.frameBytes) bytes, not \(length)"))
      case .noFrame(let length):
        refuse(ControlError(.tooLarge, "\(length) bytes are no frame: four bytes of length come first"))
        end()
      }
    }
  }

  private func say(_ words: DoorWords) {
    for line in words.lines { far?.send(line + [0x0A]) }
    for frame in words.frames { near?.send(FrameBuffer.frame(frame)) }
    if words.isLast { end() }
  }

  private func refuse(_ error: ControlError) { near?.send(FrameBuffer.frame(dialect.refusal(error))) }

  /// A frame once begun must end in time, however slowly its bytes drip in.
  private func watchFrame(tookFrames: Bool) {
    let isPartial = frames.isPartial && !frames.hasPiece && near?.isOver == false && !isEnding
    if let timer = frameTimer, tookFrames || !isPartial {
      EventLoop.shared.cancel(timer)
      frameTimer = nil
    }
    guard isPartial, frameTimer == nil else { return }
    frameTimer = EventLoop.shared.schedule(after: door.limits.frameTimeout) { [weak self] in self?.frameTimedOut() }
  }

  private func frameTimedOut() {
    frameTimer = nil
    guard !isEnding else { return }
    // Not the client's fault while it is not read from.
    guard mayAsk else { return watchFrame(tookFrames: false) }
    refuse(ControlError(.parse, "the frame did not end within \(door.limits.frameTimeout)"))
    end()
    work()
  }

  // MARK: end

  /// What is under way still goes through, for a short while.
  private func endSoon() {
    guard graceTimer == nil else { return }
    graceTimer = EventLoop.shared.schedule(after: door.limits.closeGrace) { [weak self] in self?.finish() }
  }

  private func end() {
    isEnding = true
    endSoon()
  }

  private func conclude() {
    guard let near, let far else { return }
    if near.isOver, !isEnding, !frames.hasPiece {
      if frames.isPartial {
        refuse(ControlError(.parse, "the last frame did not end"))
        frames = FrameBuffer(maximumBytes: door.limits.frameBytes, skippableBytes: door.limits.skippableBytes)
        near.flush()
      }
      far.finish()
    }
    if far.isOver, !isEnding, !lines.hasLine() { end() }
    if isEnding, near.waitingBytes == 0 { finish() }
  }

  private func attend() {
    guard near != nil else { return }
    near?.attend(reading: mayAsk && !frames.hasPiece)
    far?.attend(reading: !isEnding && hasRoom && !lines.hasLine())
    // What waits here has no descriptor that says so.
    if !isEnding, hasRoom && lines.hasLine() || mayAsk && frames.hasPiece { postTurn() }
  }

  private func postTurn() {
    guard !turnIsPosted else { return }
    turnIsPosted = true
    EventLoop.shared.post { [weak self] in
      guard let self else { return }
      turnIsPosted = false
      work()
    }
  }

  /// Closes now.
  func finish() {
    guard near != nil else { return }
    for timer in [frameTimer, graceTimer] { timer.map(EventLoop.shared.cancel) }
    near?.close()
    far?.close()
    near = nil
    far = nil
    isEnding = true
    door.remove(self)
  }
}
