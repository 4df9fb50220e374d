public import AudioCore

/// What an Opus packet says of itself (RFC 6716, section 3), every length checked. Bytes that fail here never reach a
/// decoder.
/// Thread: any.
public struct OpusPacketShape: Hashable, Sendable {
  /// Of one coded frame, at 48 kHz.
  public let frame: FrameCount
  public let count: Int
  public let isStereo: Bool

  /// Of the whole packet.
  public var frames: FrameCount { FrameCount(frame.value * count) }

  /// 120 ms: more is not Opus.
  public static let longest: FrameCount = 5760
  /// Of one coded frame, in bytes.
  public static let frameBytes = 1275

  /// Nil for bytes that are no Opus packet.
  public init?(of packet: UnsafeRawBufferPointer) {
    guard let toc = packet.first else { return nil }
    frame = Self.frame(configuration: Int(toc >> 3))
    isStereo = toc & 4 != 0
    let body = UnsafeRawBufferPointer(rebasing: packet[1...])
    let checked: Int? =
      switch toc & 3 {
      case 0: body.count <= Self.frameBytes ? 1 : nil
      case 1: body.count % 2 == 0 && body.count / 2 <= Self.frameBytes ? 2 : nil
      case 2: Self.checkPair(body)
      default: Self.checkMany(body, frame)
      }
    guard let checked else { return nil }
    count = checked
  }

  private static func frame(configuration: Int) -> FrameCount {
    switch configuration {
    case ..<12: FrameCount([480, 960, 1920, 2880][configuration & 3])
    case ..<16: FrameCount(480 << (configuration & 1))
    default: FrameCount(120 << (configuration & 3))
    }
  }

  /// A frame's length as written before it, and the bytes that takes.
  private static func length(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> (value: Int, bytes: Int)? {
    guard offset < bytes.count else { return nil }
    let first = Int(bytes[offset])
    if first < 252 { return (first, 1) }
    guard offset + 1 < bytes.count else { return nil }
    return (first + 4 * Int(bytes[offset + 1]), 2)
  }

  /// Two frames of different lengths.
  private static func checkPair(_ body: UnsafeRawBufferPointer) -> Int? {
    guard let first = length(body, at: 0) else { return nil }
    let rest = body.count - first.bytes - first.value
    return rest >= 0 && rest <= frameBytes ? 2 : nil
  }

  /// Any number of frames, with or without lengths and padding.
  private static func checkMany(_ body: UnsafeRawBufferPointer, _ frame: FrameCount) -> Int? {
    guard let head = body.first else { return nil }
    let count = Int(head & 0x3F)
    guard count > 0, frame.value * count <= longest.value else { return nil }
    var at = 1
    var end = body.count
    if head & 0x40 != 0 {
      var more = true
      while more {
        guard at < end else { return nil }
        let padding = Int(body[at])
        at += 1
        more = padding == 255
        end -= more ? 254 : padding
        guard at <= end else { return nil }
      }
    }
    if head & 0x80 == 0 {
      let each = (end - at) / count
      return each * count == end - at && each <= frameBytes ? count : nil
    }
    let room = UnsafeRawBufferPointer(rebasing: body[..<end])
    var sizes = 0
    for _ in 1..<count {
      guard let next = length(room, at: at) else { return nil }
      at += next.bytes
      sizes += next.value
      guard sizes <= end - at else { return nil }
    }
    return end - at - sizes <= frameBytes ? count : nil
  }
}
