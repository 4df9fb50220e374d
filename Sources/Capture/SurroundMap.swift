public import AudioCore

/// Which channel of a bus stands at which place of the codec's input.
public enum SurroundMap {
  /// For each codec channel the index in `bus`. Nil when the bus lacks one.
  public static func order(from bus: ChannelLayout, to codec: ChannelLayout) -> [Int]? {
    var order: [Int] = []
    for label in codec.labels {
      guard let index = bus.index(of: label) else { return nil }
      order.append(index)
    }
    return order
  }
}
