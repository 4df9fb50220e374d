import Wire

/// GameStream's datagrams: the parity code beside the plain tables, and whole packets beside their encryption alone.
func gameStreamCases() throws(BenchError) -> [Case] {
  var cases: [Case] = []
  for length in [64, 288, 1296] {
    let fixture = ParityFixture(length: length)
    guard fixture.agrees() else { throw BenchError("parity of \(length) bytes is not that of the tables") }
    cases.append(
      Case(
        name: "gamestream/parity/\(length)", unit: "block", unitsPerBatch: 100,
        ours: { for _ in 0..<100 { fixture.vector() } }, floor: { for _ in 0..<100 { fixture.table() } }))
  }
  for configuration in GameStreamConfiguration.all() where configuration.bitrate != 512_000 {
    let fixture = try PacketFixture(opusLength: configuration.opusBytes(.ms5))
    cases.append(
      Case(
        name: "gamestream/packet/\(configuration.channels)ch-\(configuration.bitrate / 1000)k", unit: "packet",
        unitsPerBatch: 400, ours: { for _ in 0..<400 { fixture.packet() } },
        floor: { for _ in 0..<400 { fixture.encryption() } }))
  }
  return cases
}

/// Four shards of data and two of parity, one after another.
private final class ParityFixture {
  private let room: UnsafeMutableRawBufferPointer
  private let length: Int

  init(length: Int) {
    self.length = length
    room = .allocate(byteCount: 6 * length, alignment: 64)
    for at in room.indices { room[at] = UInt8(truncatingIfNeeded: at &* at &* 31 &+ at >> 3) }
  }

  deinit { room.deallocate() }

  @inline(never) func vector() {
    ParityCode.encode(data(0), data(1), data(2), data(3), into: shard(4), shard(5))
  }

  @inline(never) func table() {
    ParityCode.encodeByTable([data(0), data(1), data(2), data(3)], into: shard(4), shard(5))
  }

  func agrees() -> Bool {
    vector()
    let ours = [UInt8](room)
    table()
    return ours == [UInt8](room)
  }

  private func shard(_ index: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: room[index * length..<(index + 1) * length])
  }

  private func data(_ index: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(shard(index)) }
}

/// One stream's packetizer, and a second encryptor under the same key.
private final class PacketFixture {
  private let opus: UnsafeMutableRawBufferPointer
  private let room: UnsafeMutableRawBufferPointer
  private let output: UnsafeMutableRawBufferPointer
  private var packetizer: GameStreamPacketizer
  private let encryptor: GameStreamCipher.Encryptor
  private var sequence: UInt16 = 0

  init(opusLength: Int) throws(BenchError) {
    opus = .allocate(byteCount: opusLength, alignment: 16)
    opus.initializeMemory(as: UInt8.self, repeating: 0xEC)
    room = .allocate(byteCount: GameStreamPacketizer.roomLength, alignment: 16)
    output = .allocate(byteCount: GameStreamFormat.datagramLimit, alignment: 16)
    do {
      let key = try GameStreamKey(hexadecimal: "000102030405060708090a0b0c0d0e0f")
      packetizer = GameStreamPacketizer(
        duration: .ms5, room: room, encryptor: try GameStreamCipher.Encryptor(key: key, keyID: 7))
      encryptor = try GameStreamCipher.Encryptor(key: key, keyID: 7)
    } catch {
      throw BenchError("libcrypto: \(error)")
    }
  }

  deinit {
    opus.deallocate()
    room.deallocate()
    output.deallocate()
  }

  @inline(never) func packet() {
    guard let made = try? packetizer.packetize(UnsafeRawBufferPointer(opus)) else { return }
    use(made.data.count)
  }

  @inline(never) func encryption() {
    guard let length = try? encryptor.encrypt(UnsafeRawBufferPointer(opus), sequence: sequence, into: output) else {
      return
    }
    sequence &+= 1
    use(length)
  }
}
