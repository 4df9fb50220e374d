/// The same code byte by byte from tables: what the vector code is held against, and how lost shards come back.
extension ParityCode {
  /// What `encode` does, the plain way.
  public static func encodeByTable(
    _ data: [UnsafeRawBufferPointer], into p0: UnsafeMutableRawBufferPointer, _ p1: UnsafeMutableRawBufferPointer
  ) {
    precondition(data.count == dataShards && data.allSatisfy { $0.count == p0.count } && p0.count == p1.count)
    for (row, parity) in zip(coefficients, [p0, p1]) {
      parity.initializeMemory(as: UInt8.self, repeating: 0)
      for (coefficient, shard) in zip(row, data) { add(Field.products(of: coefficient), of: shard, to: parity) }
    }
  }

  /// Restores lost data shards from the others. The six shards lie `stride` bytes apart in `block`, parity last, each
  /// `length` long; bit i of `present` says that shard i is there. Lost parity is not restored.
  /// False, with nothing written, when more than two are lost.
  public static func restore(
    _ block: UnsafeMutableRawBufferPointer, length: Int, stride: Int, present: UInt8
  ) -> Bool {
    precondition(length <= stride && block.count >= (shards - 1) * stride + length)
    guard (present & 0x3F).nonzeroBitCount >= dataShards else { return false }
    let lost = (0..<dataShards).filter { present & 1 << $0 == 0 }
    let rows = (0..<parityShards).filter { present & 1 << (dataShards + $0) != 0 }
    func shard(_ index: Int) -> UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(rebasing: block[index * stride..<index * stride + length])
    }
    /// Adds to `target`: coefficient times what row's parity says about the lost shards.
    func addSyndrome(of row: Int, times coefficient: UInt8, to target: UnsafeMutableRawBufferPointer) {
      add(Field.products(of: coefficient), of: UnsafeRawBufferPointer(shard(dataShards + row)), to: target)
      for index in 0..<dataShards where !lost.contains(index) {
        let factor = Field.multiply(coefficient, coefficients[row][index])
        add(Field.products(of: factor), of: UnsafeRawBufferPointer(shard(index)), to: target)
      }
    }
    for index in lost { shard(index).initializeMemory(as: UInt8.self, repeating: 0) }
    if lost.count == 1 {
      addSyndrome(of: rows[0], times: Field.inverse(coefficients[rows[0]][lost[0]]), to: shard(lost[0]))
    } else if lost.count == 2 {
      // Two equations with two unknowns, by Cramer's rule; subtraction is addition here.
      let (a, b) = (lost[0], lost[1])
      let m = coefficients
      let scale = Field.inverse(Field.multiply(m[0][a], m[1][b]) ^ Field.multiply(m[0][b], m[1][a]))
      addSyndrome(of: 0, times: Field.multiply(scale, m[1][b]), to: shard(a))
      addSyndrome(of: 1, times: Field.multiply(scale, m[0][b]), to: shard(a))
      addSyndrome(of: 0, times: Field.multiply(scale, m[1][a]), to: shard(b))
      addSyndrome(of: 1, times: Field.multiply(scale, m[0][a]), to: shard(b))
    }
    return true
  }

  private static func add(
    _ products: ArraySlice<UInt8>, of shard: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer
  ) {
    products.withUnsafeBufferPointer { products in
      for at in 0..<target.count { target[at] ^= products[Int(shard[at])] }
    }
  }

  /// GF(2^8) modulo x^8+x^4+x^3+x^2+1.
  enum Field {
    static func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
      var (a, b, product) = (a, b, UInt8(0))
      while b != 0 {
        if b & 1 != 0 { product ^= a }
        a = a << 1 ^ (a & 0x80 != 0 ? 0x1D : 0)
        b >>= 1
      }
      return product
    }

    /// The 254th power: every element but zero has order 255.
    static func inverse(_ a: UInt8) -> UInt8 {
      precondition(a != 0)
      return (0..<253).reduce(a) { power, _ in multiply(power, a) }
    }

    /// `value` times each of 0…255. A slice of a table of all products, 64 KiB, made at first use.
    static func products(of value: UInt8) -> ArraySlice<UInt8> { table[Int(value) << 8..<(Int(value) + 1) << 8] }

    private static let table = (0..<65_536).map { multiply(UInt8($0 >> 8), UInt8($0 & 0xFF)) }
  }
}
