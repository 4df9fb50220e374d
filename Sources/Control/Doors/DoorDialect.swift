/// Another protocol's words for ours, for one client of a door. It remembers what it is asked for, within bounds, and does
/// nothing else.
public protocol DoorDialect {
  /// Whether it takes a frame now: the daemon has spoken first, and not too much is under way.
  var isReady: Bool { get }
  /// The client has sent a frame.
  mutating func take(frame: [UInt8]) -> DoorWords
  /// The daemon has sent a line.
  mutating func take(line: [UInt8]) -> DoorWords
  /// How the client is told of what never reached the daemon.
  func refusal(_ error: ControlError) -> [UInt8]
}

/// What is to be said on both sides.
public struct DoorWords: Sendable, Equatable {
  /// To the daemon, without their newlines.
  public var lines: [[UInt8]] = []
  /// To the client, without their lengths.
  public var frames: [[UInt8]] = []
  /// Nothing more can be said; the connection ends once the frames are out.
  public var isLast = false

  public init(lines: [[UInt8]] = [], frames: [[UInt8]] = [], isLast: Bool = false) {
    self.lines = lines
    self.frames = frames
    self.isLast = isLast
  }
}
