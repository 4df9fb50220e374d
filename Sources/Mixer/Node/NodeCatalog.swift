import AudioCore

/// A kind of node, without its type.
public struct NodeDescriptor: Sendable {
  public let kind: String
  public let summary: String
  public let settings: [SettingSpec]
  /// As they are with the default settings; those for each input are not yet multiplied.
  public let parameters: [ParameterSpec]
  public let readings: [ReadingSpec]
  let isMeter: Bool
  let parametersFor: @Sendable (Settings) -> [ParameterSpec]
  let shapeFor: @Sendable (Settings) throws(NodeRefusal) -> NodeShape
  let memoryFor: @Sendable (Settings, SampleRate) -> Int
  let make: @Sendable (NodeContext) throws(NodeRefusal) -> Processor

  public init<Kind: NodeKind>(_ kind: Kind.Type) {
    self.kind = Kind.kind
    summary = Kind.summary
    settings = Kind.settings
    parameters = Kind.parameters
    readings = Kind.readings
    isMeter = Kind.isMeter
    parametersFor = { Kind.parameters($0) }
    shapeFor = { (settings) throws(NodeRefusal) in try Kind.shape(settings) }
    memoryFor = { Kind.memory($0, $1) }
    make = { (context) throws(NodeRefusal) in try Kind.makeProcessor(context) }
    let names = settings.map(\.name) + parameters.map(\.name)
    precondition(Set(names).count == names.count, "\(Kind.kind) has a name twice")
  }
}

/// The body of a record's function.
public func exportNode<Kind: NodeKind>(_ kind: Kind.Type) -> UInt {
  UInt(bitPattern: Unmanaged.passRetained(ExportedNode(NodeDescriptor(kind))).toOpaque())
}

/// A C function can return no Swift object, so the reference travels as a number and is taken back below.
private final class ExportedNode {
  let descriptor: NodeDescriptor
  init(_ descriptor: NodeDescriptor) { self.descriptor = descriptor }
}

/// The kinds of node a graph may have, sorted by name.
public struct NodeCatalog: Sendable {
  public let kinds: [NodeDescriptor]
  private let places: [String: Int]

  /// Two kinds of one name are our own bug.
  public init(_ kinds: [NodeDescriptor]) {
    self.kinds = kinds.sorted { $0.kind < $1.kind }
    places = Dictionary(uniqueKeysWithValues: self.kinds.enumerated().map { ($0.element.kind, $0.offset) })
  }

  /// Every kind linked into this program.
  public static let linked = NodeCatalog(
    linkedNodeExports().compactMap { address in
      guard let raw = UnsafeRawPointer(bitPattern: address) else { return nil }
      return Unmanaged<ExportedNode>.fromOpaque(raw).takeRetainedValue().descriptor
    })

  public subscript(kind: String) -> NodeDescriptor? { places[kind].map { kinds[$0] } }

  public func adding(_ more: [NodeDescriptor]) -> NodeCatalog { NodeCatalog(kinds + more) }
}
