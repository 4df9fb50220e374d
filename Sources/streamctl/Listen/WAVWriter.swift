import AudioCore
import Glibc

enum WAVError: Error, Hashable, Sendable {
  case cannotCreate(path: String, errno: Int32)
  case cannotWrite(errno: Int32)

  var code: String {
    switch self {
    case .cannotCreate: "wav_cannot_create"
    case .cannotWrite: "wav_cannot_write"
    }
  }

  var message: String {
    switch self {
    case .cannotCreate(let path, let number): "cannot create \(path): \(String(cString: strerror(number)))"
    case .cannotWrite(let number): "cannot write the WAV file: \(String(cString: strerror(number)))"
    }
  }
}

/// A WAV file of 32-bit floats that is complete after every write: its header always tells the length it has, so that a
/// killed recorder leaves a good file.
///
/// Surround carries the speaker mask; the order of our layouts is the order of the mask.
struct WAVWriter: ~Copyable, Sendable {
  private let descriptor: Int32
  private let layout: ChannelLayout
  private var dataBytes: UInt64 = 0

  static let headerLength = 80

  init(path: String, rate: SampleRate = .codec, layout: ChannelLayout) throws(WAVError) {
    descriptor = try Self.created(path, Self.header(rate: rate, layout: layout))
    self.layout = layout
  }

  deinit { close(descriptor) }

  /// Appends interleaved frames in layout order.
  mutating func append(_ pcm: UnsafeBufferPointer<Float>) throws(WAVError) {
    let bytes = UnsafeRawBufferPointer(pcm)
    guard bytes.count > 0 else { return }
    // Sizes have 32 bits: at the end of them the file stays as it is.
    guard dataBytes + UInt64(bytes.count) <= UInt64(UInt32.max) - UInt64(Self.headerLength) else { return }
    try Self.writeAll(descriptor, bytes, at: Self.headerLength + Int(dataBytes))
    dataBytes += UInt64(bytes.count)
    try writeSize(UInt32(Self.headerLength - 8) + UInt32(dataBytes), at: 4)
    try writeSize(UInt32(dataBytes / UInt64(4 * layout.count)), at: 68)
    try writeSize(UInt32(dataBytes), at: 76)
  }

  private static func created(_ path: String, _ header: [UInt8]) throws(WAVError) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .cannotCreate(path: path, errno: errno) }
    do throws(WAVError) { try writeAll(descriptor, header, at: 0) } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }

  private func writeSize(_ value: UInt32, at offset: Int) throws(WAVError) {
    let bytes = Self.little(value)
    try Self.writeAll(descriptor, bytes, at: offset)
  }

  private static func writeAll(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int) throws(WAVError) {
    let failure: Int32 = bytes.withUnsafeBytes { writeAll(descriptor, $0, offset) }
    if failure != 0 { throw .cannotWrite(errno: failure) }
  }

  private static func writeAll(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int
  ) throws(WAVError) {
    let failure = writeAll(descriptor, bytes, offset)
    if failure != 0 { throw .cannotWrite(errno: failure) }
  }

  private static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int32 {
    var done = 0
    while done < bytes.count {
      let written = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, offset + done)
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { return written == 0 ? ENOSPC : errno }
      done += written
    }
    return 0
  }

  /// RIFF, an extensible format of IEEE floats, the frame count that non-integer formats need, and the data's head.
  private static func header(rate: SampleRate, layout: ChannelLayout) -> [UInt8] {
    let block = UInt16(4 * layout.count)
    var out = Array("RIFF".utf8) + little(UInt32(headerLength - 8)) + Array("WAVEfmt ".utf8)
    out += little(UInt32(40)) + little(UInt16(0xFFFE)) + little(UInt16(layout.count))
    out += little(UInt32(rate.hertz)) + little(UInt32(rate.hertz * Int(block))) + little(block)
    out += little(UInt16(32)) + little(UInt16(22)) + little(UInt16(32)) + little(mask(layout))
    out += little(UInt16(3)) + [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]
    out += Array("fact".utf8) + little(UInt32(4)) + little(UInt32(0))
    out += Array("data".utf8) + little(UInt32(0))
    return out
  }

  private static func mask(_ layout: ChannelLayout) -> UInt32 {
    layout.labels.reduce(0) { mask, label in
      switch label {
      case .mono, .frontCenter: mask | 0x4
      case .frontLeft: mask | 0x1
      case .frontRight: mask | 0x2
      case .lowFrequency: mask | 0x8
      case .rearLeft: mask | 0x10
      case .rearRight: mask | 0x20
      case .sideLeft: mask | 0x200
      case .sideRight: mask | 0x400
      }
    }
  }

  private static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
