import Synchronization

/// The rings there are, by identifier and name. Thread: any but render.
public final class RingDirectory: RingAccess {
  private struct Line {
    let identifier: String
    let name: String
    let ring: SharedRing
  }

  private let lines = Mutex<[Line]>([])

  public init() {}

  /// An empty name is none.
  public func add(_ ring: SharedRing, identifier: String, name: String) {
    lines.withLock { $0.append(Line(identifier: identifier, name: name, ring: ring)) }
  }

  public func remove(_ ring: SharedRing) { lines.withLock { $0.removeAll { $0.ring === ring } } }

  /// An identifier comes before a name that looks like one.
  public func ring(_ name: String) -> SharedRing? {
    guard !name.isEmpty else { return nil }
    return lines.withLock { lines in
      (lines.first { $0.identifier == name } ?? lines.first { $0.name == name })?.ring
    }
  }
}
