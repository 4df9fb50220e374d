/// A playing stream as the graph has it now.
public struct ObservedStream: Sendable, Equatable {
  public var id: UInt32
  public var labels: AppLabels
  /// The node that metadata sends it to (`target.object`), by name; nil for none.
  public var target: String?
  /// The names of the nodes that its ports are linked to.
  public var links: Set<String>
  /// False for one that says it does not want to be moved, and for our own.
  public var isMovable: Bool

  public init(
    id: UInt32, labels: AppLabels, target: String? = nil, links: Set<String> = [], isMovable: Bool = true
  ) {
    self.id = id
    self.labels = labels
    self.target = target
    self.links = links
    self.isMovable = isMovable
  }
}

/// Where a stream is wanted.
public enum Destination: Sendable, Hashable {
  /// At the node of this name.
  case node(String)
  /// Wherever it would be without us.
  case anywhere
}

/// The nodes that routes lead to; where one is nil the stream is left to the session manager.
public struct Destinations: Sendable, Equatable {
  public var processed: String?
  public var bypass: String?
  public var exclude: String?
  public var buses: [String: String]

  public init(
    processed: String? = nil, bypass: String? = nil, exclude: String? = nil, buses: [String: String] = [:]
  ) {
    self.processed = processed
    self.bypass = bypass
    self.exclude = exclude
    self.buses = buses
  }

  public subscript(route: Route) -> Destination {
    let node =
      switch route {
      case .processed: processed
      case .bypass: bypass
      case .exclude: exclude
      case .bus(let name): buses[name]
      }
    return node.map { .node($0) } ?? .anywhere
  }
}
