/// The header that GameStream's microphone clients put before their Opus: little-endian, unlike what they receive.
///
/// Two forms are about. Neither says whether the payload is encrypted, or whose it is.
public struct GameStreamMicHeader: Hashable, Sendable {
  public enum Form: Hashable, Sendable, CaseIterable {
    /// Twelve bytes, with a type of one byte.
    case plain
    /// Thirteen bytes without alignment, with a type of two.
    case packed

    public var length: Int { self == .plain ? 12 : 13 }
  }

  public var form: Form
  public var sequence: UInt16
  /// Time of the first frame, in milliseconds.
  public var milliseconds: UInt32
  /// A constant by agreement. Hosts do not check it, so clients need not keep to it.
  public var source: UInt32

  public static let usualSource: UInt32 = 0x1234_5678
  private static let plainType: UInt8 = 0x61
  private static let packedType: UInt16 = 0x5504

  public init(form: Form = .plain, sequence: UInt16, milliseconds: UInt32, source: UInt32 = usualSource) {
    self.form = form
    self.sequence = sequence
    self.milliseconds = milliseconds
    self.source = source
  }

  /// Thread: any.
  public init(parsing datagram: UnsafeRawBufferPointer) throws(MicPacketError) {
    guard datagram.count <= MicLimits.datagram else { throw .tooLong }
    guard datagram.count >= 3 else { throw .tooShort }
    if datagram[1] == Self.plainType {
      form = .plain
    } else if datagram.little(at: 1, as: UInt16.self) == Self.packedType {
      form = .packed
    } else {
      throw .notOurs
    }
    // A header without a payload says nothing.
    guard datagram.count > form.length else { throw .tooShort }
    let start = form.length - 10
    sequence = datagram.little(at: start, as: UInt16.self)
    milliseconds = datagram.little(at: start + 2, as: UInt32.self)
    source = datagram.little(at: start + 6, as: UInt32.self)
  }

  /// Writes the first `form.length` bytes.
  public func write(into datagram: UnsafeMutableRawBufferPointer) {
    precondition(datagram.count >= form.length)
    datagram[0] = 0
    if form == .plain { datagram[1] = Self.plainType } else { datagram.putLittle(Self.packedType, at: 1) }
    let start = form.length - 10
    datagram.putLittle(sequence, at: start)
    datagram.putLittle(milliseconds, at: start + 2)
    datagram.putLittle(source, at: start + 6)
  }
}
