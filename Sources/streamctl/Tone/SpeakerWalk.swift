import AudioCore
import Glibc
import Synchronization

/// Goes from loudspeaker to loudspeaker: the first beeps once, the second twice, and so on, each at a pitch of its own. So
/// who listens hears which one is meant, and whether it is the one that sounds.
final class SpeakerWalk: RenderClient, @unchecked Sendable {
  /// Whose turn it is, counted on over the rounds; -1 before the first.
  private let now = Atomic<Int>(-1)
  private let state: UnsafeMutablePointer<WalkState>
  let layout: ChannelLayout

  /// From one turn to the next.
  static let turn = HostDuration.milliseconds(2200)

  init(_ layout: ChannelLayout, amplitude: Double, rate: SampleRate) {
    self.layout = layout
    state = .allocate(capacity: 1)
    state.initialize(
      to: WalkState(
        layout.labels.map { Self.pitch(of: $0, in: layout) }, amplitude: amplitude, rate: rate,
        turn: rate.frames(in: Self.turn).value))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// A subwoofer plays nothing high.
  static func pitch(of label: ChannelLabel, in layout: ChannelLayout) -> Double {
    label == .lowFrequency ? 60 : TestToneCommand.pitches[layout.labels.firstIndex(of: label) ?? 0]
  }

  /// What is said of a turn.
  static func title(_ place: Int, in layout: ChannelLayout) -> String {
    "\(layout.labels[place].name): \(place + 1) \(place == 0 ? "beep" : "beeps")"
  }

  var turn: Int { now.load(ordering: .acquiring) }

  /// Thread: render.
  @_noLocks
  override func render(_ cycle: Cycle) {
    now.store(state.pointee.render(cycle), ordering: .releasing)
  }
}

private struct WalkState: ~Copyable {
  /// By how much a sine turns in a frame, and where the one that sounds is.
  private let steps: UnsafeMutablePointer<SIMD2<Double>>
  private var sine = SIMD2<Double>(1, 0)
  private let count: Int
  private let amplitude: Double
  private let turn: Int
  private let beep: Int
  private let ramp: Int
  private var position = 0

  init(_ pitches: [Double], amplitude: Double, rate: SampleRate, turn: Int) {
    count = pitches.count
    steps = .allocate(capacity: count)
    for (index, pitch) in pitches.enumerated() {
      let angle = 2 * Double.pi * pitch / Double(rate.hertz)
      (steps + index).initialize(to: SIMD2(cos(angle), sin(angle)))
    }
    self.amplitude = amplitude
    self.turn = turn
    beep = rate.frames(in: .milliseconds(120)).value
    ramp = max(rate.frames(in: .milliseconds(5)).value, 1)
  }

  deinit { steps.deallocate() }

  /// The turn that the cycle began in. Thread: render.
  @_noLocks
  mutating func render(_ cycle: Cycle) -> Int {
    let began = position / turn
    let channels = cycle.output.channelCount
    for frame in 0..<cycle.frames {
      let place = (position &+ frame) / turn % count
      let at = (position &+ frame) % turn
      let slot = at / (2 &* beep)
      let inside = at % (2 &* beep)
      guard place < channels, slot <= place, inside < beep else { continue }
      let edge = inside < beep &- inside ? inside : beep &- inside
      let envelope = edge < ramp ? Double(edge) / Double(ramp) : 1
      // Each beep begins where a sine does.
      if inside == 0 { sine = SIMD2(1, 0) }
      cycle.output.channel(place)[frame] = Float(amplitude * envelope * sine.y)
      let step = (steps + place).pointee
      sine = SIMD2(sine.x * step.x - sine.y * step.y, sine.x * step.y + sine.y * step.x)
    }
    position &+= cycle.frames
    return began
  }
}
