import AudioCore
import AudioIO
import Glibc
import JACKIO
import Synchronization
import TestSupport
import Testing

/// Plays where it is, or keeps what it hears: frame `p` of its own positions has the value `sample(p)`, or a tone.
final class PositionClient: RenderClient, @unchecked Sendable {
  struct Piece {
    var position: Int64
    var frames: Int
    var start: Int
    var quantum: Int
    var isBroken: Bool
  }

  static let turn: Int64 = 1 << 23
  static let tone = 997.0

  /// Exact in a float, and never silent.
  @inline(__always) static func sample(_ position: Int64) -> Float {
    Float(position & (turn - 1)) / Float(turn * 2) + 0.25
  }
  /// The position in a sample, modulo `turn`; nil where there is none.
  static func position(_ sample: Float) -> Int64? {
    guard sample >= 0.25 else { return nil }
    return Int64((sample - 0.25) * Float(turn * 2))
  }

  let cycles = Atomic<Int>(0)
  let breaks = Atomic<Int>(0)
  /// Frames that were reported lost.
  let lost = Atomic<Int64>(0)
  /// Blocks whose position did not follow without saying so.
  let jumps = Atomic<Int>(0)
  let timeFaults = Atomic<Int>(0)
  /// Microseconds to sleep in the next cycle.
  let delay = Atomic<UInt32>(0)
  private let kept = Atomic<Int>(0)
  private let table: UnsafeMutablePointer<Float>?
  private let rate: Int
  private let sound: UnsafeMutablePointer<Float>
  private let pieces: UnsafeMutablePointer<Piece>
  private static let room = 1 << 20
  private static let pieceRoom = 1 << 14
  private var filled = 0
  private var next = Int64.min
  private var lastTime = HostTime(nanoseconds: .min)

  init(tone: Bool, rate: Int) {
    self.rate = rate
    table = tone ? .allocate(capacity: rate) : nil
    for frame in 0..<rate {
      table?[frame] = 0.5 * Float(sin(2 * Double.pi * Self.tone * Double(frame) / Double(rate)))
    }
    sound = .allocate(capacity: Self.room)
    pieces = .allocate(capacity: Self.pieceRoom)
  }

  deinit {
    table?.deallocate()
    sound.deallocate()
    pieces.deallocate()
  }

  override func render(_ cycle: Cycle) {
    let isBroken = cycle.flags.contains(.discontinuity)
    if isBroken { breaks.add(1, ordering: .relaxed) }
    if next != Int64.min, cycle.position != next {
      if isBroken { lost.add(cycle.position - next, ordering: .relaxed) } else { jumps.add(1, ordering: .relaxed) }
    }
    if cycle.time < lastTime { timeFaults.add(1, ordering: .relaxed) }
    (lastTime, next) = (cycle.time, cycle.position + Int64(cycle.frames))
    for channel in 0..<cycle.output.channelCount {
      let plane = cycle.output.channel(channel)
      for frame in 0..<cycle.frames {
        let position = cycle.position + Int64(frame)
        plane[frame] = table.map { $0[Int(position) % rate] } ?? Self.sample(position)
      }
    }
    keep(cycle, isBroken: isBroken)
    let wait = delay.exchange(0, ordering: .relaxed)
    if wait > 0 { usleep(wait) }
    cycles.add(1, ordering: .releasing)
  }

  private func keep(_ cycle: Cycle, isBroken: Bool) {
    let number = kept.load(ordering: .relaxed)
    guard number < Self.pieceRoom, filled + cycle.frames <= Self.room else { return }
    pieces[number] = Piece(
      position: cycle.position, frames: cycle.frames, start: filled, quantum: cycle.quantum, isBroken: isBroken)
    if cycle.input.channelCount > 0 {
      for frame in 0..<cycle.frames {
        let sample = cycle.input.channel(0)[frame]
        // Every channel has the same.
        var isSame = true
        for channel in 1..<max(cycle.input.channelCount, 1) where cycle.input.channel(channel)[frame] != sample {
          isSame = false
        }
        sound[filled + frame] = isSame ? sample : -1
      }
      filled += cycle.frames
    }
    kept.store(number + 1, ordering: .releasing)
  }

  var cycleCount: Int { cycles.load(ordering: .acquiring) }
  var heard: [Piece] { Array(UnsafeBufferPointer(start: pieces, count: kept.load(ordering: .acquiring))) }
  /// Only of a stream that has stopped.
  var recorded: [Float] { Array(UnsafeBufferPointer(start: sound, count: filled)) }
  var faults: [Int] { [jumps.load(ordering: .relaxed), timeFaults.load(ordering: .relaxed)] }
}

/// A stream in a server, and what it said.
final class PortRig {
  let client: PositionClient
  let stream: any AudioStream
  private let log: EventLog

  final class EventLog: Sendable {
    let events = Mutex<[StreamEvent]>([])
    func heard(_ event: StreamEvent) { events.withLock { $0.append(event) } }
  }

  init(
    _ server: String, role: StreamRole = .playback(to: .defaultSink), name: String = "rig",
    layout: ChannelLayout? = .stereo, rate: Int = 48_000, tone: Bool = false
  ) throws {
    let log = EventLog()
    self.log = log
    client = PositionClient(tone: tone, rate: rate)
    stream = try JACKBackend(server: server).open(
      StreamRequest(role: role, name: name, description: "rig", layout: layout, rate: SampleRate(hertz: rate)),
      client: client, events: { log.heard($0) })
    try stream.start()
  }

  deinit { stream.stop() }

  var events: [StreamEvent] { log.events.withLock { $0 } }
  var states: [StreamState] { events.compactMap { if case .state(let state) = $0 { state } else { nil } } }
  var isRunning: Bool { if case .running = states.last { true } else { false } }
  var trouble: BackendError.Code? { if case .waiting(let error) = states.last { error.code } else { nil } }

  func waits(for code: BackendError.Code) -> Bool { waitUntil(timeout: 15) { trouble == code } }

  /// Waits for so many more cycles.
  func run(cycles: Int) -> Bool {
    let goal = client.cycleCount + cycles
    return waitUntil(timeout: 15) { isRunning && client.cycleCount >= goal }
  }
}

/// Everything the recorder has is the player's sound at one distance; what is missing was reported by the player. A server
/// that is late runs one of them a cycle behind the other: it says so, and each time is worth one shift there and back.
func compare(_ player: PortRig, _ recorder: PortRig) throws -> Int {
  let sound = recorder.client.recorded
  var distance: Int64?
  var shifts: [Int64] = []
  var silent = 0
  var waiting = 0
  var compared = 0
  for piece in recorder.client.heard {
    for frame in 0..<piece.frames {
      let sample = sound[piece.start + frame]
      guard let position = PositionClient.position(sample) else {
        #expect(sample == 0, "channels differ")
        if distance != nil { waiting += 1 }
        continue
      }
      let found = (piece.position + Int64(frame) - position) & (PositionClient.turn - 1)
      if let distance, found != distance { shifts.append(piece.position + Int64(frame)) }
      distance = found
      // The silence after the player's end is none of its losses.
      (silent, waiting) = (silent + waiting, 0)
      compared += 1
    }
  }
  // Both count what the server tells both.
  let late = player.stream.report.xruns + recorder.stream.report.xruns
  #expect(shifts.count <= late, "\(late) reports, but shifts at \(shifts) of \(compared)")
  #expect(silent <= player.client.lost.load(ordering: .relaxed))
  #expect(player.client.faults == [0, 0] && recorder.client.faults == [0, 0])
  return compared
}
