import AudioCore

/// The extreme of a figure over each tenth of a second, for people to read.
struct DynamicsReadout {
  private let cell: UnsafeMutablePointer<ParameterCell>
  private let window: Int
  private var done = 0
  private var greatest: Float = 0

  /// The parameters' and readings' order is the kind's.
  init(_ context: NodeContext, reading: Int = 0) {
    cell = context.readings.cells + reading
    window = context.rate.frames(in: .milliseconds(100)).value
    // Nothing is reduced yet: an amplitude of nothing would be read as endlessly many decibels.
    cell.pointee.set(context.readings.specs[reading].isLogarithm ? 0 : 1)
  }

  /// Thread: render.
  @_noLocks
  mutating func note(_ value: Float, frames: Int) {
    greatest = value > greatest ? value : greatest
    done &+= frames
    guard done >= window else { return }
    cell.pointee.set(greatest)
    greatest = 0
    done = 0
  }
}

extension HostDuration {
  /// A parameter in milliseconds. Thread: render.
  @_noLocks
  static func parameter(_ milliseconds: Float) -> HostDuration {
    HostDuration(nanoseconds: Int64(Double(milliseconds) * 1e6))
  }
}

extension SettingSpec {
  static let detector = SettingSpec(
    "detector", "what a level is: the peak, or the mean power of 10 ms", .choice(["peak", "rms"]),
    initial: .text("peak"))
  static let lookahead = SettingSpec(
    "lookahead", "how far ahead the level is known, at the cost of as much delay", .number(0...5),
    unit: .milliseconds, initial: .number(0))
}

extension SettingSpec {
  /// What a processor listens to in place of its own sound.
  static let sideChain = SettingSpec(
    "side_chain", "channels of the input to listen to; none for the sound itself",
    .choice(["none", "mono", "stereo", "5.1", "7.1"]), initial: .text("none"))
  static let key = SettingSpec.layout("key", "channels of the side chain", initial: "mono")
}

extension Settings {
  var sideChain: ChannelLayout? { ChannelLayout(title: text("side_chain")) }
  var detector: LevelDetector { text("detector") == "rms" ? .rms(window: .milliseconds(10)) : .peak }
  var lookahead: HostDuration { HostDuration(nanoseconds: Int64(number("lookahead") * 1e6)) }
}

extension ParameterSpec {
  /// A value that the kernel itself smooths.
  static func kernel(
    _ name: String, _ summary: String, unit: ValueUnit, range: ClosedRange<Double>, initial: Double, per: Each? = nil
  ) -> Self {
    .number(name, summary, unit: unit, range: range, initial: initial, smoothing: .zero, per: per)
  }
}
