/// A node's number, never used again within a graph's life.
public struct NodeID: Hashable, Comparable, Sendable {
  public let value: Int
  public init(_ value: Int) { self.value = value }
  public static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// One port of a node, counted from zero; whether an input or an output says where it stands.
public struct PortID: Hashable, Comparable, Sendable {
  public let node: NodeID
  public let port: Int

  public init(_ node: NodeID, _ port: Int = 0) {
    self.node = node
    self.port = port
  }

  public static func < (a: Self, b: Self) -> Bool { a.node == b.node ? a.port < b.port : a.node < b.node }
}

/// Sound from an output to an input. An input sums what is connected to it; an output may have any number.
public struct Connection: Hashable, Comparable, Sendable {
  public let from: PortID
  public let to: PortID

  public init(from: PortID, to: PortID) {
    self.from = from
    self.to = to
  }

  public static func < (a: Self, b: Self) -> Bool { a.to == b.to ? a.from < b.from : a.to < b.to }
}
