/// What is about to happen to players, told before the session manager carries it out.
///
/// A session manager that moves a player to a sink of other channels gives it other ports. With a link of somebody else's
/// to those it has, PipeWire 0.3 leaves the player suspended, or crashes. So whoever is linked to players lets go first.
enum PlayerMove: Equatable {
  /// A sink of that name becomes the default.
  case toSink(String)
  /// A node's own target changes.
  case ofNode(UInt32)
}
