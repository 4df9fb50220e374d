import AudioCore
import Mixer

/// What one duplex channel is to be: two devices, and what happens to sound between them.
public struct DuplexPlan: Sendable, Equatable {
  /// Values by the names of the node's parameters.
  public typealias Values = [String: Double]

  public var number: Int
  /// As a node's `device` names it.
  public var input: String
  /// What plays it, and whose cycles it runs in.
  public var output: GraphDevice
  /// Nil for none.
  public var compressor: Values?
  public var limiter: Values?
  /// What comes out is rounded to so many bits; nil for not at all.
  public var bits: Int?

  public init(
    number: Int, input: String, output: GraphDevice, compressor: Values?, limiter: Values?, bits: Int?
  ) {
    self.number = number
    self.input = input
    self.output = output
    self.compressor = compressor
    self.limiter = limiter
    self.bits = bits
  }

  static let input = "input"
  static let compressor = "compressor"
  static let limiter = "limiter"
  static let gate = "gate"
  static let arriving = "arriving"
  static let leaving = "leaving"

  /// As a graph, in which the device that plays it is the driver. The meters are at both ends: what comes in, and what goes out
  /// after the gate.
  func graph(isAudible: Bool) throws(GraphError) -> Graph {
    var graph = Graph()
    let layout = SettingValue.text(output.format.layout.title)
    var last = try graph.add("device_source", name: Self.input, settings: ["channels": layout, "device": .text(input)])
    func append(
      _ kind: String, _ name: String, _ parameters: Values = [:], _ settings: [String: SettingValue] = [:]
    ) throws(GraphError) {
      let next = try graph.add(
        kind, name: name, settings: settings.merging(["channels": layout]) { $1 }, parameters: parameters)
      try graph.connect(last, next)
      last = next
    }
    try append("meter", Self.arriving)
    if let compressor { try append("compressor", Self.compressor, compressor) }
    if let limiter { try append("limiter", Self.limiter, limiter) }
    if let bits { try append("dither", "dither", [:], ["bits": .integer(bits)]) }
    try append("gain", Self.gate, ["mute": isAudible ? 0 : 1])
    try append("meter", Self.leaving)
    try append("device_sink", "output")
    return graph
  }
}
