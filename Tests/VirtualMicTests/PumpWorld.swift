import AudioCore
import AudioIO
import OpusCodec
import Synchronization
import Testing

@testable import VirtualMic

extension HostTime {
  static func at(_ seconds: Double) -> HostTime { HostTime(nanoseconds: Int64((seconds * 1e9).rounded())) }
  var seconds: Double { Double(nanoseconds) / 1e9 }
}

extension MicFrame {
  static func opus(_ bytes: [UInt8], _ sequence: UInt16 = 0) -> MicFrame {
    MicFrame(sequence: sequence, timestamp: UInt32(sequence) * 960, body: .opus(bytes))
  }
  static func pcm(_ samples: [Float], channels: Int = 2) -> MicFrame {
    MicFrame(sequence: 0, timestamp: 0, body: .pcm(samples, channels: channels))
  }
  static let pause = MicFrame(sequence: 0, timestamp: 0, body: .pause)
}

/// A microphone that remembers what was done to it and dies on command. Thread: any.
final class FakeMicrophone: LanedMicrophone, @unchecked Sendable {
  enum Call: Hashable {
    case push(TalkerID?, [Float])
    case discard(TalkerID?)
    case open(TalkerID)
    case close(TalkerID)
  }

  private struct State {
    var alive = true
    var calls: [(time: HostTime, call: Call)] = []
    var lanes: Set<TalkerID> = []
    var probes = 0
    var pushedAfterDeath = 0
  }

  let channels: Int
  let laneLimit: Int
  private let state = Mutex(State())

  private let clock: @Sendable () -> HostTime

  init(
    channels: Int = 2, laneLimit: Int = .max, alive: Bool = true,
    clock: @escaping @Sendable () -> HostTime = { .at(0) }
  ) {
    (self.channels, self.laneLimit, self.clock) = (channels, laneLimit, clock)
    state.withLock { $0.alive = alive }
  }

  func die() { state.withLock { $0.alive = false } }
  var calls: [Call] { state.withLock { $0.calls.map(\.call) } }
  func log(from index: Int) -> ArraySlice<(time: HostTime, call: Call)> { state.withLock { $0.calls[index...] } }
  var wasKilled: Bool { state.withLock { !$0.alive } }
  var probes: Int { state.withLock { $0.probes } }
  /// Pushes after one was answered with false.
  var pushedAfterDeath: Int { state.withLock { max($0.pushedAfterDeath - 1, 0) } }
  var pushed: Int {
    calls.reduce(0) { if case .push(_, let samples) = $1 { $0 + samples.count } else { $0 } }
  }
  var discards: Int { calls.count { if case .discard = $0 { true } else { false } } }
  func sound(of talker: TalkerID?) -> [Float] {
    calls.flatMap { if case .push(talker, let samples) = $0 { samples } else { [Float]() } }
  }

  var isAlive: Bool {
    state.withLock {
      $0.probes += 1
      return $0.alive
    }
  }
  func push(_ samples: UnsafeBufferPointer<Float>) -> Bool { push(Array(samples), nil) }
  func discard() { discard(nil) }

  func openLane(for talker: TalkerID) -> (any VirtualMicrophone)? {
    state.withLock {
      guard $0.lanes.count < laneLimit else { return nil }
      $0.lanes.insert(talker)
      $0.calls.append((clock(), .open(talker)))
      return FakeLane(self, talker)
    }
  }
  func closeLane(for talker: TalkerID) {
    state.withLock {
      $0.lanes.remove(talker)
      $0.calls.append((clock(), .close(talker)))
    }
  }

  fileprivate func push(_ samples: [Float], _ talker: TalkerID?) -> Bool {
    state.withLock {
      guard $0.alive else {
        $0.pushedAfterDeath += 1
        return false
      }
      $0.calls.append((clock(), .push(talker, samples)))
      return true
    }
  }
  fileprivate func discard(_ talker: TalkerID?) { state.withLock { $0.calls.append((clock(), .discard(talker))) } }
}

private final class FakeLane: VirtualMicrophone, @unchecked Sendable {
  let device: FakeMicrophone
  let talker: TalkerID
  init(_ device: FakeMicrophone, _ talker: TalkerID) { (self.device, self.talker) = (device, talker) }
  var channels: Int { device.channels }
  var isAlive: Bool { device.isAlive }
  func push(_ samples: UnsafeBufferPointer<Float>) -> Bool { device.push(Array(samples), talker) }
  func discard() { device.discard(talker) }
}

/// A device with room for one only.
final class PlainMicrophone: VirtualMicrophone, @unchecked Sendable {
  let inner: FakeMicrophone
  init(channels: Int = 2, alive: Bool = true) { inner = FakeMicrophone(channels: channels, alive: alive) }
  var channels: Int { inner.channels }
  var isAlive: Bool { inner.isAlive }
  func push(_ samples: UnsafeBufferPointer<Float>) -> Bool { inner.push(samples) }
  func discard() { inner.discard() }
}

/// The system a pump opens its devices on, in virtual time or real.
final class FakeSystem: @unchecked Sendable {
  struct Open: Hashable {
    var time: HostTime
    var worked: Bool
  }

  private struct State {
    var now = HostTime.at(0)
    var isUp = true
    var failures = 0
    var bornDead = false
    var openTakes = HostDuration.zero
    var opens: [Open] = []
    var devices: [FakeMicrophone] = []
  }

  let channels: Int
  let laneLimit: Int
  private let state = Mutex(State())

  init(channels: Int = 2, laneLimit: Int = .max) { (self.channels, self.laneLimit) = (channels, laneLimit) }

  var now: HostTime {
    get { state.withLock { $0.now } }
    set { state.withLock { $0.now = newValue } }
  }
  var isUp: Bool {
    get { state.withLock { $0.isUp } }
    set { state.withLock { $0.isUp = newValue } }
  }
  /// So many opens fail first.
  func failFirst(_ count: Int) { state.withLock { $0.failures = count } }
  func bearDead(_ dead: Bool = true) { state.withLock { $0.bornDead = dead } }
  func openTakes(_ time: HostDuration) { state.withLock { $0.openTakes = time } }
  var opens: [Open] { state.withLock { $0.opens } }
  var openSeconds: [Double] { opens.map(\.time.seconds) }
  var devices: [FakeMicrophone] { state.withLock { $0.devices } }
  var device: FakeMicrophone? { devices.last }

  var opener: MicOpener {
    { [self] () throws(BackendError) in try open() }
  }

  private func open() throws(BackendError) -> any VirtualMicrophone {
    let made: FakeMicrophone? = state.withLock { state in
      let works = state.isUp && state.failures == 0
      state.opens.append(Open(time: state.now, worked: works))
      state.now = state.now + state.openTakes
      if state.isUp, state.failures > 0 { state.failures -= 1 }
      guard works else { return nil }
      let device = FakeMicrophone(channels: channels, laneLimit: laneLimit, alive: !state.bornDead) { [weak self] in
        self?.now ?? .at(0)
      }
      state.devices.append(device)
      return device
    }
    guard let made else { throw BackendError(.serverUnavailable, "no server") }
    return made
  }
}

/// Remembers what it was given, and sounds each frame at once or after a delay.
final class FakeVoice: TalkerVoice {
  let channels = 2
  var garbage: UInt64 = 0
  private(set) var inserted: [MicFrame] = []
  private var waiting: [(due: HostTime, frame: MicFrame)] = []
  private let delay: HostDuration

  init(delay: HostDuration = .zero) { self.delay = delay }

  func insert(_ frame: MicFrame, at arrival: HostTime) {
    inserted.append(frame)
    waiting.append((arrival + delay, frame))
  }

  func step(at now: HostTime, into push: (UnsafeBufferPointer<Float>) -> Void) -> HostTime? {
    while let first = waiting.first, first.due <= now {
      waiting.removeFirst()
      if case .pcm(let samples, _) = first.frame.body { samples.withUnsafeBufferPointer(push) }
    }
    return waiting.first?.due
  }
}

/// A pump in virtual time.
final class PumpWorld {
  static let shared = MicDeviceID("everyone")
  static let talker = TalkerID(1)

  let system: FakeSystem
  let pump: MicPump
  var sender: MicSender?
  private(set) var events: [(time: HostTime, event: MicEvent)] = []
  private(set) var finished = false
  private(set) var deadline: HostTime?

  init(
    _ system: FakeSystem = FakeSystem(), tuning: PumpTuning = PumpTuning(), voiceLimit: Int = 16,
    talkers: [TalkerID] = [talker], voice: @escaping @Sendable (TalkerID) -> any TalkerVoice = { _ in DirectVoice() }
  ) {
    self.system = system
    let (queue, sender) = FrameQueue.open()
    self.sender = sender
    pump = MicPump(queue, tuning: tuning, voiceLimit: voiceLimit, voice: voice)
    pump.add(Self.shared, for: .everyone, opener: system.opener)
    for talker in talkers { pump.admit(talker) }
  }

  var now: HostTime { system.now }

  /// One step, and those that are due at the same time.
  func step() {
    for _ in 0..<8 {
      let time = system.now
      let next = pump.step(now: time)
      events += pump.takeEvents().map { (time, $0) }
      switch next {
      case .finished:
        finished = true
        return
      case .wait(let until):
        deadline = until
        if let until, until <= system.now { continue }
        return
      }
    }
    Issue.record("the pump spins at \(now.seconds)")
  }

  /// Steps whenever it asks to be stepped, and at the end.
  func run(to end: Double) {
    step()
    while !finished, let deadline, deadline > system.now, deadline <= .at(end) {
      system.now = max(system.now, deadline)
      step()
    }
    system.now = max(system.now, .at(end))
    step()
  }

  @discardableResult
  func say(_ frame: MicFrame, of talker: TalkerID = talker, stepping: Bool = true) -> MicSender.Answer? {
    let answer = sender?.offer(frame, of: talker, at: now)
    if stepping { step() }
    return answer
  }

  func report(_ talker: TalkerID = talker) -> MicReport.Talker { pump.report.talkers[talker] ?? .init() }
  func device(_ id: MicDeviceID = shared) -> MicReport.Device? { pump.report.devices.first { $0.id == id } }
}

/// 20 ms of a steady tone in stereo, packet by packet.
func micPackets(_ count: Int, level: Float = 0.1) throws -> [[UInt8]] {
  var encoder = try OpusEncoder(.standard(layout: .stereo, bitrate: 96_000, frame: .ms20))
  let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1400)
  defer { packet.deallocate() }
  return try (0..<count).map { index in
    let pcm = (0..<1920).map { Float(($0 / 2 + index * 960) % 96) / 96 * level }
    let size = try pcm.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
    return Array(packet[..<size])
  }
}

/// Bytes that are no Opus packet: a count of frames that the length cannot hold.
let junk: [UInt8] = [0xFF, 0xFF, 0xFF]
