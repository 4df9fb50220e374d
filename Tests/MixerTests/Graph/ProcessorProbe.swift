import AppRings
import AudioCore
import CRenderGuard

@testable import Mixer

enum NodeShapes {
  /// Of a node with its default settings.
  static func shape(of kind: String) throws -> NodeShape {
    try Validation.resolve(GraphNode(id: NodeID(1), name: kind, kind: kind), in: .linked).shape
  }
}

/// One processor without a graph around it, which would put right what comes in.
final class ProcessorProbe {
  private let node: ResolvedNode
  private let processor: Processor
  private let samples: UnsafeMutablePointer<Float>
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let ports: UnsafeMutablePointer<Planes>
  private let driver: UnsafeMutablePointer<DriverCycle>
  private let inputs: Int
  private let outputs: Int
  private var position: Int64 = 0
  private static let block = 512

  init(
    _ kind: String, settings: [String: SettingValue] = [:], parameters: [String: Double] = [:],
    rings: (any RingAccess)? = nil, files: (any SoundFileAccess)? = nil
  ) throws {
    node = try Validation.resolve(
      GraphNode(id: NodeID(1), name: kind, kind: kind, settings: settings, parameters: parameters), in: .linked)
    let readings = ReadingSpec.expanded(
      node.descriptor.readings, channels: (node.shape.inputs + node.shape.outputs)[0].layout.count)
    processor = try node.descriptor.make(
      NodeContext(
        rate: .codec, block: FrameCount(Self.block), settings: node.settings, shape: node.shape,
        parameters: ParameterBlock(node.parameters, values: node.values, rate: .codec),
        readings: ReadingBlock(readings), files: files, far: nil, host: nil, rings: rings.map { RingSeats($0) }))
    let counts = (node.shape.inputs + node.shape.outputs).map(\.layout.count)
    inputs = node.shape.inputs.count
    outputs = node.shape.outputs.count
    let total = counts.reduce(0, +)
    // The driver's own planes come last.
    samples = .allocate(capacity: (total + 8) * Self.block)
    samples.initialize(repeating: 0, count: (total + 8) * Self.block)
    planes = .allocate(capacity: total + 8)
    for plane in 0..<total + 8 { (planes + plane).initialize(to: samples + plane * Self.block) }
    ports = .allocate(capacity: counts.count)
    var first = 0
    for (index, count) in counts.enumerated() {
      (ports + index).initialize(to: Planes(channels: planes + first, count: count, isConnected: true))
      first += count
    }
    let outside = Block(channels: planes + total, channelCount: 8, frames: Self.block)
    driver = .allocate(capacity: 1)
    driver.initialize(to: DriverCycle(input: outside, output: outside, offset: 0))
  }

  deinit {
    samples.deallocate()
    planes.deallocate()
    ports.deallocate()
    driver.deallocate()
  }

  var parameters: ParameterBlock { processor.parameters }

  /// One block, every channel of every input filled alike, or side chains silent; all channels of all outputs.
  func render(
    _ frames: Int, isKeyed: Bool = true, _ signal: (_ channel: Int, _ frame: Int) -> Float
  ) -> [[Float]] {
    for port in 0..<inputs {
      let isSilent = !isKeyed && node.shape.inputs[port].isSideChain
      for channel in 0..<ports[port].count {
        for frame in 0..<frames { ports[port][channel][frame] = isSilent ? 0 : signal(channel, frame) }
      }
    }
    for channel in 0..<8 {
      for frame in 0..<frames { driver.pointee.input.channel(channel)[frame] = signal(channel, frame) }
    }
    streamd_render_guard_enter()
    processor.render(
      NodeBlock(
        frames: frames, position: position, inputs: ports, inputCount: inputs, outputs: ports + inputs,
        outputCount: outputs, driver: driver), processor.memory)
    streamd_render_guard_exit()
    position += Int64(frames)
    return (inputs..<inputs + outputs).flatMap { port in
      (0..<ports[port].count).map { channel in
        Array(UnsafeBufferPointer(start: ports[port][channel], count: frames))
      }
    }
  }
}
