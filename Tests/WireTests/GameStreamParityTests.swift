import Testing

@testable import Wire

@Suite struct GameStreamParityTests {
  /// Both parities by the vector code and by tables.
  private func parity(_ data: [[UInt8]], offset: Int = 0) -> (vector: [[UInt8]], table: [[UInt8]]) {
    let length = data[0].count
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 8 * (length + offset + 1), alignment: 64)
    room.initializeMemory(as: UInt8.self, repeating: 0xAA)
    defer { room.deallocate() }
    func place(_ index: Int) -> UnsafeMutableRawBufferPointer {
      let start = index * (length + 1) + offset
      return UnsafeMutableRawBufferPointer(rebasing: room[start..<start + length])
    }
    for (index, shard) in data.enumerated() { place(index).copyBytes(from: shard) }
    let shards = (0..<4).map { UnsafeRawBufferPointer(place($0)) }
    ParityCode.encode(shards[0], shards[1], shards[2], shards[3], into: place(4), place(5))
    ParityCode.encodeByTable(shards, into: place(6), place(7))
    // One byte lies between shards: nothing may be written there.
    for index in 0..<7 { #expect(room[(index + 1) * (length + 1) + offset - 1] == 0xAA) }
    return ([4, 5].map { [UInt8](place($0)) }, [6, 7].map { [UInt8](place($0)) })
  }

  @Test func plainVector() {
    let data = [
      "030a11181f262d343b424950575e656c", "13212f3d4b59677583919fadbbc9d7e5", "23384d62778ca1b6cbe0f50a1f34495e",
      "334f6b87a3bfdbf7132f4b67839fbbd7",
    ]
    let expected = ["190de0bbb5f2db7eb4f26e5a85d2d019", "9342b7ec7accf3476a33f2631815efec"].map(bytes)
    let made = parity(data.map(bytes))
    #expect(made.vector == expected)
    #expect(made.table == expected)
  }

  /// One byte set in one shard shows each coefficient.
  @Test func coefficients() {
    for shard in 0..<4 {
      var data = [[UInt8]](repeating: [UInt8](repeating: 0, count: 33), count: 4)
      data[shard][32] = 1
      let made = parity(data)
      for row in 0..<2 {
        #expect(made.vector[row][32] == ParityCode.coefficients[row][shard])
        #expect(made.vector[row][..<32].allSatisfy { $0 == 0 })
      }
    }
  }

  @Test func everyLengthAgreesWithTheTables() {
    for length in Array(1...130) + [336, 976, 1295, 1296, 1376] {
      var random = Lehmer(state: UInt64(length))
      let data = (0..<4).map { _ in (0..<length).map { _ in UInt8(random.below(256)) } }
      let made = parity(data, offset: length % 3)
      #expect(made.vector == made.table, "\(length)")
    }
  }

  @Test(arguments: 0..<64 as Range<UInt8>) func restoresWhatCanBe(_ present: UInt8) {
    let length = 50
    let stride = 53
    var random = Lehmer(state: UInt64(present))
    let data = (0..<4).map { _ in (0..<length).map { _ in UInt8(random.below(256)) } }
    let shards = data + parity(data).table
    var block = [UInt8](repeating: 0x55, count: 6 * stride)
    for index in 0..<6 where present & 1 << index != 0 {
      block.replaceSubrange(index * stride..<index * stride + length, with: shards[index])
    }
    let before = block
    let restored = block.withUnsafeMutableBytes {
      ParityCode.restore($0, length: length, stride: stride, present: present)
    }
    #expect(restored == (present.nonzeroBitCount >= 4))
    guard restored else {
      #expect(block == before)
      return
    }
    for index in 0..<4 { #expect(Array(block[index * stride..<index * stride + length]) == data[index]) }
    for index in 0..<6 { #expect(block[index * stride + length..<(index + 1) * stride].allSatisfy { $0 == 0x55 }) }
  }

  @Test func everyElementHasItsInverse() {
    for value in 1...255 as ClosedRange<UInt8> {
      #expect(ParityCode.Field.multiply(value, ParityCode.Field.inverse(value)) == 1)
    }
  }
}
