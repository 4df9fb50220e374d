/// What a parser makes of bytes that anybody may send, and what must hold whatever they are. The fuzzer and the tests ask
/// the same questions.
public struct Probe: Sendable {
  public enum Finding: Equatable, Sendable {
    case accepted
    case refused
    /// What does not hold.
    case broken(String)
  }

  public let name: String
  public let run: @Sendable (UnsafeRawBufferPointer) -> Finding

  public static let all: [Probe] = [
    Probe(name: "opus", run: probeOpus), Probe(name: "local", run: probeLocal),
    Probe(name: "gamestream", run: probeGameStream), Probe(name: "sealed", run: probeSealed),
    Probe(name: "door", run: probeDoor), Probe(name: "ping", run: probePing), Probe(name: "rtp", run: probeRTP),
    Probe(name: "sdp", run: probeSDP), Probe(name: "json", run: probeJSON),
  ]
}

extension UnsafeRawBufferPointer {
  /// Everything from an offset on; empty behind the end.
  func from(_ offset: Int) -> UnsafeRawBufferPointer {
    offset < count ? UnsafeRawBufferPointer(rebasing: self[offset...]) : UnsafeRawBufferPointer(start: nil, count: 0)
  }
}
