import Wire

// The kinds of wire there are: each opens its own kind of line.
extension SessionSpec.Transport {
  /// Packets that are protected together.
  var block: Int {
    switch self {
    case .rtp: 1
    case .gameStream: GameStreamFormat.blockPackets
    }
  }

  func open(_ spec: SessionSpec) throws(SessionError) -> any SessionLine {
    switch self {
    case .rtp(let terms): try RTPLine(terms, spec)
    case .gameStream(let terms): try GameStreamLine(terms, spec)
    }
  }
}
