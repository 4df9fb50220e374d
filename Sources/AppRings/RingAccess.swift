/// Who knows the rings there are. The rooms that play them know only this; the program says who it is.
public protocol RingAccess: Sendable {
  /// By identifier, or by the name the application gave it; nil when there is none. Thread: any but render.
  func ring(_ name: String) -> SharedRing?
}
