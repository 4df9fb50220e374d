/// What a GameStream client must know to decode: channels, streams, coupled streams, and the coded channel of each
/// channel. Channels go FL FR FC LFE BL BR SL SR.
public struct SurroundParams: Hashable, Sendable {
  public let channels: Int
  public let streams: Int
  public let coupled: Int
  public let mapping: [UInt8]

  public init(channels: Int, streams: Int, coupled: Int, mapping: [UInt8]) throws(SurroundParamsError) {
    guard [2, 6, 8].contains(channels) else { throw .badChannels(channels) }
    guard (1...channels).contains(streams), (0...streams).contains(coupled), streams + coupled == channels else {
      throw .badStreams(streams, coupled: coupled)
    }
    guard mapping.count == channels, Set(mapping) == Set((0..<channels).map { UInt8($0) }) else { throw .badMapping }
    self.init(known: channels, streams, coupled, mapping)
  }

  /// Of a shape that is known to be right.
  init(known channels: Int, _ streams: Int, _ coupled: Int, _ mapping: [UInt8]) {
    self.channels = channels
    self.streams = streams
    self.coupled = coupled
    self.mapping = mapping
  }

  /// Reads digits as they stand: a custom `surroundParams` launch argument, or a line of high quality.
  public init(parsing text: some StringProtocol) throws(SurroundParamsError) {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { throw .notDigits }
    let digits = text.utf8.map { $0 - 0x30 }
    guard let channels = digits.first else { throw .wrongLength(0) }
    guard [2, 6, 8].contains(channels) else { throw .badChannels(Int(channels)) }
    guard digits.count == Int(channels) + 3 else { throw .wrongLength(digits.count) }
    try self.init(
      channels: Int(channels), streams: Int(digits[1]), coupled: Int(digits[2]), mapping: Array(digits[3...]))
  }

  /// The digits as they stand.
  public var digits: String { ([channels, streams, coupled] + mapping.map { Int($0) }).map { String($0) }.joined() }

  /// The digits that make a client of this quality decode by `mapping`. Clients read surround of normal quality with the
  /// low-frequency channel last, and move that digit back to the fourth place: so it is printed last.
  public func digits(for quality: GameStreamQuality) -> String {
    quality == .normal ? replacing(Self.rotated(mapping)).digits : digits
  }

  /// What a client makes of printed digits: the inverse of `digits(for:)`.
  public static func client(reading text: some StringProtocol, _ quality: GameStreamQuality)
    throws(SurroundParamsError) -> Self
  {
    let printed = try Self(parsing: text)
    guard quality == .normal, printed.channels > 2 else { return printed }
    var mapping = printed.mapping
    mapping.insert(mapping.removeLast(), at: lowFrequency)
    return printed.replacing(mapping)
  }

  private static let lowFrequency = 3

  /// Over the whole count of channels, not over six: 7.1 comes out scrambled otherwise.
  private static func rotated(_ mapping: [UInt8]) -> [UInt8] {
    guard mapping.count > 2 else { return mapping }
    var mapping = mapping
    mapping.append(mapping.remove(at: lowFrequency))
    return mapping
  }

  private func replacing(_ mapping: [UInt8]) -> Self { Self(known: channels, streams, coupled, mapping) }
}

public enum SurroundParamsError: Error, Hashable, Sendable {
  case notDigits
  case badChannels(Int)
  case wrongLength(Int)
  case badStreams(Int, coupled: Int)
  case badMapping
  /// A description without a line for this many channels, where the client has no layout of its own.
  case noLine(channels: Int)

  public var code: String {
    switch self {
    case .notDigits: "surround_not_digits"
    case .badChannels: "surround_bad_channels"
    case .wrongLength: "surround_wrong_length"
    case .badStreams: "surround_bad_streams"
    case .badMapping: "surround_bad_mapping"
    case .noLine: "surround_no_line"
    }
  }

  public var message: String {
    switch self {
    case .notDigits: "surround parameters are decimal digits"
    case .badChannels(let got): "channels are 2, 6 or 8, got \(got)"
    case .wrongLength(let got): "surround parameters have three digits and one per channel, got \(got)"
    case .badStreams(let streams, let coupled):
      "\(streams) streams, \(coupled) of them coupled, do not give the channels"
    case .badMapping: "the mapping must hold each coded channel once"
    case .noLine(let channels): "no line describes \(channels) channels"
    }
  }
}
