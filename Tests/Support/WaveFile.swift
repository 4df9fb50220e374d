import Glibc

/// A WAV file in memory, planar. Reads 32-bit float and 16-bit PCM, writes float.
public struct WaveFile: Sendable {
  public var rate: Int
  public var channels: [[Float]]

  public init(rate: Int, channels: [[Float]]) {
    self.rate = rate
    self.channels = channels
  }

  public init(reading path: String) throws(SupportError) {
    let bytes = try Self.contents(of: path)
    func number(_ offset: Int, _ size: Int) -> Int {
      (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }
    guard bytes.count >= 12, bytes[0..<4].elementsEqual("RIFF".utf8),
      bytes[8..<12].elementsEqual("WAVE".utf8)
    else {
      throw SupportError("\(path) is no WAV file")
    }
    var (count, bits, offset) = (0, 0, 12)
    rate = 0
    channels = []
    while offset + 8 <= bytes.count {
      let name = bytes[offset..<offset + 4]
      // A file that is still being written, or was cut short, holds as much as it holds.
      let size = min(number(offset + 4, 4), bytes.count - offset - 8)
      if name.elementsEqual("fmt ".utf8), size >= 16 {
        count = number(offset + 10, 2)
        rate = number(offset + 12, 4)
        bits = number(offset + 22, 2)
      } else if name.elementsEqual("data".utf8) {
        guard count > 0, bits == 16 || bits == 32 else {
          throw SupportError("\(path): \(count) channels, \(bits) bits")
        }
        let frames = size / (count * bits / 8)
        channels = (0..<count).map { channel in
          (0..<frames).map { frame in
            let place = offset + 8 + (frame * count + channel) * bits / 8
            if bits == 32 { return Float(bitPattern: UInt32(number(place, 4))) }
            return Float(Int16(truncatingIfNeeded: number(place, 2))) / 32768
          }
        }
      }
      offset += 8 + size + size & 1
    }
    guard count > 0 else { throw SupportError("\(path) has no format") }
  }

  public func write(to path: String) throws(SupportError) {
    let frames = channels.map(\.count).min() ?? 0
    var bytes: [UInt8] = []
    func put(_ value: Int, _ size: Int) {
      for byte in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
    // Speaker masks in the order FL FR FC LFE RL RR SL SR.
    let mask = [1: 0x4, 2: 0x3, 6: 0x3f, 8: 0x63f][channels.count] ?? 0
    let dataSize = frames * channels.count * 4
    bytes += Array("RIFF".utf8)
    put(4 + 48 + 8 + dataSize, 4)
    bytes += Array("WAVEfmt ".utf8)
    put(40, 4)
    put(0xfffe, 2)
    put(channels.count, 2)
    put(rate, 4)
    put(rate * channels.count * 4, 4)
    put(channels.count * 4, 2)
    put(32, 2)
    put(22, 2)
    put(32, 2)
    put(mask, 4)
    bytes += [3, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]
    bytes += Array("data".utf8)
    put(dataSize, 4)
    bytes.reserveCapacity(bytes.count + dataSize)
    for frame in 0..<frames {
      for channel in channels { put(Int(channel[frame].bitPattern), 4) }
    }
    guard let file = fopen(path, "w") else {
      throw SupportError("\(path): \(String(cString: strerror(errno)))")
    }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else {
      throw SupportError("\(path): short write")
    }
  }

  private static func contents(of path: String) throws(SupportError) -> [UInt8] {
    guard let file = fopen(path, "r") else {
      throw SupportError("\(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      bytes += buffer[..<count]
    }
    return bytes
  }
}
