/// The version of the protocol spoken here. A new major breaks clients; additions raise the minor.
public enum ControlProtocol {
  public static let major = 1
  public static let minor = 0
  /// Longest line either side may send, without its newline.
  public static let maximumLineBytes = 1 << 20
  public static let maximumBatch = 64
  public static let features = ["batch", "describe", "descriptors", "flat", "subscribe"]
}
