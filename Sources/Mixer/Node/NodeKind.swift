public import AudioCore

/// A port: where sound goes in or comes out.
public struct PortSpec: Hashable, Sendable {
  public let name: String
  public let layout: ChannelLayout
  /// It steers what the node does and is not heard itself.
  public let isSideChain: Bool

  public init(_ name: String, _ layout: ChannelLayout, isSideChain: Bool = false) {
    self.name = name
    self.layout = layout
    self.isSideChain = isSideChain
  }
}

/// The ports of a node with given settings.
public struct NodeShape: Hashable, Sendable {
  public let inputs: [PortSpec]
  public let outputs: [PortSpec]
  /// The first output may lie where the first input lies: the processor uses `NodeBlock.carry` or works sample by sample.
  public let inPlace: Bool

  public init(inputs: [PortSpec] = [], outputs: [PortSpec] = [], inPlace: Bool = false) {
    precondition(!inPlace || (inputs.first?.layout.count == outputs.first?.layout.count && !inputs.isEmpty))
    self.inputs = inputs
    self.outputs = outputs
    self.inPlace = inPlace
  }

  public static func source(_ layout: ChannelLayout) -> Self { Self(outputs: [PortSpec("out", layout)]) }
  public static func sink(_ layout: ChannelLayout) -> Self { Self(inputs: [PortSpec("in", layout)]) }
  /// One in, one out, worked on in place; with a side chain if it has a layout.
  public static func effect(_ layout: ChannelLayout, sideChain: ChannelLayout? = nil) -> Self {
    let side = sideChain.map { [PortSpec("side", $0, isSideChain: true)] } ?? []
    return Self(inputs: [PortSpec("in", layout)] + side, outputs: [PortSpec("out", layout)], inPlace: true)
  }
}

/// Why a node cannot be as somebody wants it.
public struct NodeRefusal: Error, Hashable, Sendable {
  /// Stable, for programs.
  public let code: String
  public let message: String

  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }

  /// A node that cannot open its file says so in the file's words.
  static func opening<Opened>(_ open: () throws(SoundFileError) -> Opened) throws(NodeRefusal) -> Opened {
    do throws(SoundFileError) { return try open() } catch {
      throw NodeRefusal(code: error.code, message: error.message)
    }
  }
}

/// What a processor is made with.
public struct NodeContext: Sendable {
  public let rate: SampleRate
  /// The most frames a block has.
  public let block: FrameCount
  public let settings: Settings
  public let shape: NodeShape
  public let parameters: ParameterBlock
  public let readings: ReadingBlock
  /// Nil where this program touches no files.
  public let files: (any SoundFileAccess)?
  /// Nil where there are no devices.
  public let far: (any FarDevices)?
  /// Nil where no daemon is around.
  let host: (any HostEnds)?
  /// Nil where no application can bring a ring.
  let rings: RingSeats?
}

/// A kind of node: one file in `Nodes` with this, a processor and a record. Catalog, checks, listings and the tests that
/// every node must pass follow from it.
public protocol NodeKind: SendableMetatype {
  static var kind: String { get }
  /// One sentence for people.
  static var summary: String { get }
  static var settings: [SettingSpec] { get }
  static var parameters: [ParameterSpec] { get }
  static var readings: [ReadingSpec] { get }
  /// It only measures: where time is short it may be passed over. Such a kind is worked on in place.
  static var isMeter: Bool { get }
  /// The parameters of a node with these settings, where ranges depend on them.
  static func parameters(_ settings: Settings) -> [ParameterSpec]
  static func shape(_ settings: Settings) throws(NodeRefusal) -> NodeShape
  /// Bytes that a node with these settings keeps beside its ports' planes, where that can be much.
  static func memory(_ settings: Settings, _ rate: SampleRate) -> Int
  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor
}

extension NodeKind {
  public static var settings: [SettingSpec] { [] }
  public static var parameters: [ParameterSpec] { [] }
  public static var readings: [ReadingSpec] { [] }
  public static var isMeter: Bool { false }
  public static func memory(_ settings: Settings, _ rate: SampleRate) -> Int { 0 }
  public static func parameters(_ settings: Settings) -> [ParameterSpec] { parameters }
}
