import AppRings
import AudioCore
import Control

/// What an application says when it opens a ring.
struct RingRequest {
  static let parameters: [VerbParameter] = [
    .required(
      "direction", .choice(RingDirection.allCases.map(\.rawValue)),
      "source: the application writes, the daemon plays it. sink: the daemon writes, the application records."),
    .optional("channels", .integer(RingFormat.channelRange), default: 2, "Channels of the sound, interleaved."),
    .optional("rate", .integer(RingFormat.rateRange), default: 48_000, unit: "Hz", "The sample rate."),
    .optional(
      "frames", .integer(RingFormat.capacityRange), default: 4096, unit: "frames",
      "How much the ring holds, rounded up to a power of two; at least two periods of the graph."),
    .optional(
      "low", .integer(0...RingFormat.capacityRange.upperBound - 1), unit: "frames",
      "source: space is rung while so few frames wait or fewer; half of the ring when left out. sink: goes on after an "
        + "overrun once so few wait."),
    .optional(
      "high", .integer(1...RingFormat.capacityRange.upperBound), unit: "frames",
      "sink: data is rung while so many frames wait or more; half of the ring when left out. source: begins once so many "
        + "wait, or when nothing follows."),
    .optional("name", .text(maximumBytes: 64), "A name of your own, unique among open rings."),
    .optional(
      "memfd", .boolean, default: false,
      "The memory is the descriptor sent with this request, sealed against shrinking; else the daemon makes it."),
  ]

  let format: RingFormat
  let name: String
  let bringsMemory: Bool

  init(_ arguments: Arguments) throws(ControlError) {
    name = try arguments.optional("name", as: .string) ?? ""
    bringsMemory = try arguments.optional("memfd", as: .boolean) ?? false
    let direction = try arguments.required("direction", as: .string)
    do throws(RingError) {
      format = try Self.format(arguments, RingDirection(rawValue: direction) ?? .source)
    } catch {
      throw error.controlError
    }
  }

  private static func format(_ arguments: Arguments, _ direction: RingDirection) throws(RingError) -> RingFormat {
    func frames(_ name: String) -> FrameCount? {
      arguments.object[name]?.intValue.map { FrameCount($0) }
    }
    return try RingFormat(
      direction, channels: arguments.object["channels"]?.intValue ?? 2,
      rate: SampleRate(hertz: arguments.object["rate"]?.intValue ?? 48_000),
      capacity: frames("frames") ?? 4096, low: frames("low"), high: frames("high"))
  }
}
