/// GameStream's forward error correction: Reed-Solomon, four data shards and two of parity, over GF(2^8) with the
/// polynomial 0x11d. Any two of the six may be lost.
///
/// The coefficients are the protocol's own; those a common library derives for 4+2 recover garbage.
/// Thread: any.
public enum ParityCode {
  public static let dataShards = 4
  public static let parityShards = 2
  public static let shards = dataShards + parityShards

  /// Row j, column i: what data shard i is multiplied with in parity shard j.
  public static let coefficients: [[UInt8]] = [[0x77, 0x40, 0x38, 0x0E], [0xC7, 0xA7, 0x0D, 0x6C]]

  /// The widest vector whose additions and shifts the compiler does not take apart.
  private typealias Lanes = SIMD16<UInt8>

  /// Computes both parity shards. All six are of one length; parity must not overlap data. Allocates nothing.
  public static func encode(
    _ d0: UnsafeRawBufferPointer, _ d1: UnsafeRawBufferPointer, _ d2: UnsafeRawBufferPointer,
    _ d3: UnsafeRawBufferPointer, into p0: UnsafeMutableRawBufferPointer, _ p1: UnsafeMutableRawBufferPointer
  ) {
    let length = d0.count
    precondition(
      d1.count == length && d2.count == length && d3.count == length && p0.count == length && p1.count == length)
    let width = MemoryLayout<Lanes>.size
    guard length >= width else { return encodeShort(d0, d1, d2, d3, into: p0, p1) }
    var at = 0
    while true {
      let (a, b) = parity(
        d0.loadUnaligned(fromByteOffset: at, as: Lanes.self), d1.loadUnaligned(fromByteOffset: at, as: Lanes.self),
        d2.loadUnaligned(fromByteOffset: at, as: Lanes.self), d3.loadUnaligned(fromByteOffset: at, as: Lanes.self))
      p0.storeBytes(of: a, toByteOffset: at, as: Lanes.self)
      p1.storeBytes(of: b, toByteOffset: at, as: Lanes.self)
      if at == length - width { return }
      // The last step overlaps the one before it: the same bytes give the same parity.
      at = min(at + width, length - width)
    }
  }

  /// Shards shorter than a vector, padded with zeros, whose parity is zero.
  private static func encodeShort(
    _ d0: UnsafeRawBufferPointer, _ d1: UnsafeRawBufferPointer, _ d2: UnsafeRawBufferPointer,
    _ d3: UnsafeRawBufferPointer, into p0: UnsafeMutableRawBufferPointer, _ p1: UnsafeMutableRawBufferPointer
  ) {
    let (a, b) = parity(padded(d0), padded(d1), padded(d2), padded(d3))
    withUnsafeBytes(of: a) { p0.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<p0.count])) }
    withUnsafeBytes(of: b) { p1.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<p1.count])) }
  }

  private static func padded(_ shard: UnsafeRawBufferPointer) -> Lanes {
    var lanes = Lanes(repeating: 0)
    withUnsafeMutableBytes(of: &lanes) { $0.copyMemory(from: shard) }
    return lanes
  }

  /// Horner's rule over the coefficients' bits, highest first: a doubling, then the shards whose coefficient has the bit.
  /// The matrix stands here as code, bit by bit; the tests hold it against `coefficients`.
  @inline(__always)
  private static func parity(_ d0: Lanes, _ d1: Lanes, _ d2: Lanes, _ d3: Lanes) -> (Lanes, Lanes) {
    let d01 = d0 ^ d1
    let d02 = d0 ^ d2
    let d03 = d0 ^ d3
    let d23 = d2 ^ d3
    var a = d01  // 0x40 of 77 40 38 0e
    a = doubled(a) ^ d02  // 0x20
    a = doubled(a) ^ d02  // 0x10
    a = doubled(a) ^ d23  // 0x08
    a = doubled(a) ^ d03  // 0x04
    a = doubled(a) ^ d03  // 0x02
    a = doubled(a) ^ d0  // 0x01
    var b = d01  // 0x80 of c7 a7 0d 6c
    b = doubled(b) ^ d03  // 0x40
    b = doubled(b) ^ d1 ^ d3  // 0x20
    b = doubled(b)  // 0x10
    b = doubled(b) ^ d23  // 0x08
    b = doubled(b) ^ d01 ^ d23  // 0x04
    b = doubled(b) ^ d01  // 0x02
    b = doubled(b) ^ d01 ^ d2  // 0x01
    return (a, b)
  }

  /// Times two in the field, in every lane.
  @inline(__always)
  private static func doubled(_ lanes: Lanes) -> Lanes {
    // All ones where the top bit falls out.
    let carry = unsafeBitCast(lanes, to: SIMD16<Int8>.self) &>> SIMD16<Int8>(repeating: 7)
    return (lanes &+ lanes) ^ (unsafeBitCast(carry, to: Lanes.self) & Lanes(repeating: 0x1D))
  }
}
