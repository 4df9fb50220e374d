/// Whether a GameStream client pads twice, and what to cut off if it does.
///
/// Some clients pad their Opus to whole blocks before a cipher that pads by itself. What is left in costs quality without
/// an error; but a frame may end like padding by chance. So a session has to show that it pads twice: the cipher's own
/// padding is a full block in every packet, and what is before it ends in padding far too often for chance. The
/// evidence is kept in bits (of likelihood); nothing is cut before there is enough, and it wears off.
/// Thread: any one at a time.
public struct InnerPadding: Hashable, Sendable {
  private static let block = GameStreamCipher.blockLength
  private static let enough = 32
  /// One packet alone may not decide.
  private static let most = 12
  /// One length in sixteen needs no padding: this many bits.
  private static let aligned = 4

  private var evidence = 0
  public private(set) var isShown = false

  public init() {}

  /// The padding at the end of decrypted bytes, as a client that pads twice would have put it; 0 for none.
  public static func length(in plain: UnsafeRawBufferPointer) -> Int {
    guard let last = plain.last, !plain.isEmpty, plain.count % block == 0 else { return 0 }
    let length = Int(last)
    guard (1..<block).contains(length), plain.suffix(length).allSatisfy({ $0 == last }) else { return 0 }
    return length
  }

  /// Learns from a packet and returns the length of its Opus.
  public mutating func cut(_ plain: UnsafeRawBufferPointer) -> Int {
    let length = Self.length(in: plain)
    if plain.count % Self.block != 0 {
      evidence -= 2 * Self.most
    } else {
      evidence += length == 0 ? -Self.aligned : min(8 * length - Self.aligned, Self.most)
    }
    evidence = min(max(evidence, 0), Self.enough)
    if evidence == Self.enough { isShown = true }
    if evidence == 0 { isShown = false }
    return isShown ? plain.count - length : plain.count
  }
}
