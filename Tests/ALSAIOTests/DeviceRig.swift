import ALSAIO
import AudioCore
import AudioIO
import Glibc
import Synchronization
import TestSupport

/// Plays a sine in every channel, or keeps what was recorded; and notes what it was told.
final class RigClient: RenderClient, @unchecked Sendable {
  static let frequency = 997.0
  static let amplitude: Float = 0.5

  let cycles = Atomic<Int>(0)
  let frames = Atomic<Int>(0)
  let discontinuities = Atomic<Int>(0)
  /// Cycles whose position does not follow the one before without saying so.
  let jumps = Atomic<Int>(0)
  let position = Atomic<Int64>(0)
  /// Microseconds to sleep in the next cycle.
  let delay = Atomic<UInt32>(0)
  let kept = Atomic<Int>(0)
  private let table: UnsafeMutablePointer<Float>
  private let sound: UnsafeMutablePointer<Float>
  private static let room = 48_000 * 6
  private var phase = 0
  private var next = Int64.min

  init(rate: Int = 48_000) {
    table = .allocate(capacity: rate)
    for frame in 0..<rate {
      table[frame] = Self.amplitude * Float(sin(2 * Double.pi * Self.frequency * Double(frame) / Double(rate)))
    }
    period = rate
    sound = .allocate(capacity: Self.room * 2)
  }

  private let period: Int

  deinit {
    table.deallocate()
    sound.deallocate()
  }

  override func render(_ cycle: Cycle) {
    if cycle.flags.contains(.discontinuity) {
      discontinuities.add(1, ordering: .relaxed)
    } else if next != Int64.min && cycle.position != next {
      jumps.add(1, ordering: .relaxed)
    }
    next = cycle.position + Int64(cycle.frames)
    position.store(next, ordering: .relaxed)
    for channel in 0..<cycle.output.channelCount {
      let plane = cycle.output.channel(channel)
      for frame in 0..<cycle.frames { plane[frame] = table[(phase &+ frame) % period] }
    }
    phase = (phase &+ cycle.frames) % period
    let start = kept.load(ordering: .relaxed)
    if cycle.input.channelCount > 0, start + cycle.frames <= Self.room {
      for channel in 0..<min(cycle.input.channelCount, 2) {
        for frame in 0..<cycle.frames {
          sound[channel * Self.room + start + frame] = cycle.input.channel(channel)[frame]
        }
      }
      kept.store(start + cycle.frames, ordering: .releasing)
    }
    let wait = delay.exchange(0, ordering: .relaxed)
    if wait > 0 { usleep(wait) }
    frames.add(cycle.frames, ordering: .relaxed)
    cycles.add(1, ordering: .releasing)
  }

  func tone(at frame: Int) -> Float { table[frame % period] }
  var cycleCount: Int { cycles.load(ordering: .acquiring) }

  func recorded(channel: Int) -> [Float] {
    Array(UnsafeBufferPointer(start: sound + channel * Self.room, count: kept.load(ordering: .acquiring)))
  }
}

/// A stream on a soft card, and what it said.
final class DeviceRig {
  let card: SoftCard
  let client: RigClient
  let stream: any AudioStream
  let begun: HostTime
  private let log: EventLog

  final class EventLog: Sendable {
    let events = Mutex<[StreamEvent]>([])
    func heard(_ event: StreamEvent) { events.withLock { $0.append(event) } }
  }

  init(
    _ card: SoftCard, role: StreamRole = .playback(to: .defaultSink), layout: ChannelLayout? = .stereo,
    rate: SampleRate = .codec, quantum: FrameCount? = 480
  ) throws {
    self.card = card
    let log = EventLog()
    self.log = log
    client = RigClient(rate: rate.hertz)
    stream = try ALSABackend(configuration: card.configuration).open(
      StreamRequest(role: role, name: "rig", description: "rig", layout: layout, rate: rate, quantum: quantum),
      client: client, events: { log.heard($0) })
    begun = renderNow()
    try stream.start()
  }

  deinit { stream.stop() }

  var events: [StreamEvent] { log.events.withLock { $0 } }
  var states: [StreamState] { events.compactMap { if case .state(let state) = $0 { state } else { nil } } }
  var isRunning: Bool { if case .running = states.last { true } else { false } }
  var trouble: BackendError.Code? { if case .waiting(let error) = states.last { error.code } else { nil } }

  /// Waits for so many more cycles.
  func run(cycles: Int) -> Bool {
    let goal = client.cycleCount + cycles
    return waitUntil(timeout: 15) { isRunning && client.cycleCount >= goal }
  }

  /// Where the client's sound begins in what was played, after the silence that the device was started on.
  static func onset(_ samples: some Collection<Float>) -> Int {
    samples.enumerated().first { $0.element != 0 }?.offset ?? samples.count
  }
}
