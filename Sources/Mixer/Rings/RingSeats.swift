import AppRings

/// The ends of rings that one engine has. While a node fades out and another takes its place, both sit at the same end:
/// a change of a node's settings, or of its name, does not have to wait for the fade. Thread: control.
final class RingSeats: @unchecked Sendable {
  private struct Weak<Seat: AnyObject> {
    weak var seat: Seat?
  }

  private let access: any RingAccess
  /// A seat keeps its ring, so that no other ring can have its identity meanwhile.
  private var sources: [ObjectIdentifier: Weak<RingSource>] = [:]
  private var sinks: [ObjectIdentifier: Weak<RingSink>] = [:]

  init(_ access: any RingAccess) { self.access = access }

  func source(_ context: NodeContext) throws(NodeRefusal) -> RingSource {
    let (name, ring) = try ring(context, .source)
    sources = sources.filter { $0.value.seat != nil }
    if let seat = sources[ObjectIdentifier(ring)]?.seat { return seat }
    guard let reader = ring.takeReader() else { throw .ringInUse(name) }
    let seat = RingSource(name, reader, context)
    sources[ObjectIdentifier(ring)] = Weak(seat: seat)
    return seat
  }

  func sink(_ context: NodeContext) throws(NodeRefusal) -> RingSink {
    let (name, ring) = try ring(context, .sink)
    sinks = sinks.filter { $0.value.seat != nil }
    if let seat = sinks[ObjectIdentifier(ring)]?.seat { return seat }
    guard let writer = ring.takeWriter() else { throw .ringInUse(name) }
    let seat = RingSink(name, writer, context)
    sinks[ObjectIdentifier(ring)] = Weak(seat: seat)
    return seat
  }

  private func ring(_ context: NodeContext, _ wanted: RingDirection) throws(NodeRefusal) -> (String, SharedRing) {
    let name = context.settings.text("ring")
    guard let ring = access.ring(name) else {
      throw NodeRefusal(code: "unknown_ring", message: "there is no ring \"\(name)\"")
    }
    let direction = ring.format.direction
    guard direction == wanted else {
      throw NodeRefusal(
        code: "ring_direction", message: "\"\(name)\" is a \(direction.rawValue), not a \(wanted.rawValue)")
    }
    return (name, ring)
  }
}

extension NodeRefusal {
  static func ringInUse(_ name: String) -> NodeRefusal {
    NodeRefusal(code: "ring_in_use", message: "another node has \"\(name)\"")
  }

  static var noRings: NodeRefusal {
    NodeRefusal(code: "unavailable", message: "rings of applications are not at hand here")
  }
}
