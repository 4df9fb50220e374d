import AudioCore
import Glibc

/// Why a WAV file cannot be read.
enum WAVReadError: Error, Hashable, Sendable {
  case cannotOpen(errno: Int32)
  case tooLong
  case notWAV
  /// It ends before its sound begins.
  case noData
  case badFormat(String)

  var code: String {
    switch self {
    case .cannotOpen: "wav_cannot_open"
    case .tooLong: "wav_too_long"
    case .notWAV: "wav_not_wav"
    case .noData: "wav_no_data"
    case .badFormat: "wav_bad_format"
    }
  }

  var message: String {
    switch self {
    case .cannotOpen(let number): String(cString: strerror(number))
    case .tooLong: "longer than \(WAVReader.limit >> 20) MiB"
    case .notWAV: "no WAV file"
    case .noData: "holds no sound"
    case .badFormat(let what): what
    }
  }
}

/// Reads WAV files of 16, 24 or 32 bit integers or 32 bit floats. A file whose header promises more than there is, because
/// its recorder was killed, holds what it holds.
enum WAVReader {
  /// Of a file, which is held in memory: twenty minutes of stereo floats at 48 kHz.
  static let limit = 1 << 29

  struct Sound: Hashable, Sendable {
    var rate: SampleRate
    var channels: Int
    /// Interleaved.
    var samples: [Float]
  }

  static func read(_ path: String) throws(WAVReadError) -> Sound { try parse(bytes(of: path)) }

  private static func bytes(of path: String) throws(WAVReadError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotOpen(errno: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .cannotOpen(errno: errno) }
      guard count > 0 else { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= limit else { throw .tooLong }
    }
  }

  private struct Format {
    var rate: SampleRate
    var channels: Int
    var bytes: Int
    var isFloat: Bool
  }

  static func parse(_ file: [UInt8]) throws(WAVReadError) -> Sound {
    guard file.count >= 12, file[..<4].elementsEqual("RIFF".utf8), file[8..<12].elementsEqual("WAVE".utf8) else {
      throw .notWAV
    }
    var format: Format?
    var at = 12
    while at + 8 <= file.count {
      let name = file[at..<at + 4]
      let length = min(number(file, at + 4, 4), file.count - at - 8)
      let body = file[at + 8..<at + 8 + length]
      if name.elementsEqual("fmt ".utf8) {
        format = try self.format(body)
      } else if name.elementsEqual("data".utf8) {
        guard let format else { throw .noData }
        return try sound(body, format)
      }
      at += 8 + length + length % 2
    }
    throw .noData
  }

  private static func format(_ body: ArraySlice<UInt8>) throws(WAVReadError) -> Format {
    let bytes = Array(body)
    guard bytes.count >= 16 else { throw .badFormat("its format is cut short") }
    var kind = number(bytes, 0, 2)
    // Extensible: the kind is the beginning of an identifier.
    if kind == 0xFFFE {
      guard bytes.count >= 26 else { throw .badFormat("its format is cut short") }
      kind = number(bytes, 24, 2)
    }
    let (channels, rate, bits) = (number(bytes, 2, 2), number(bytes, 4, 4), number(bytes, 14, 2))
    guard (kind == 1 && [16, 24, 32].contains(bits)) || (kind == 3 && bits == 32) else {
      throw .badFormat("\(bits) bits of kind \(kind): 16, 24 and 32 bit integers and 32 bit floats are read")
    }
    guard (1...8).contains(channels) else { throw .badFormat("\(channels) channels: 1 to 8 are read") }
    guard (8000...192_000).contains(rate) else { throw .badFormat("\(rate) Hz: 8000 to 192000 are read") }
    return Format(rate: SampleRate(hertz: rate), channels: channels, bytes: bits / 8, isFloat: kind == 3)
  }

  private static func sound(_ body: ArraySlice<UInt8>, _ format: Format) throws(WAVReadError) -> Sound {
    let frames = body.count / (format.bytes * format.channels)
    guard frames > 0 else { throw .noData }
    var samples = [Float](repeating: 0, count: frames * format.channels)
    body.withUnsafeBytes { raw in
      for index in samples.indices {
        // Left-aligned in 32 bits, so that one scale serves all widths.
        var word: UInt32 = 0
        for byte in 0..<format.bytes {
          word |= UInt32(raw[index * format.bytes + byte]) << UInt32(8 * (4 - format.bytes + byte))
        }
        samples[index] = format.isFloat ? limited(Float(bitPattern: word)) : Float(Int32(bitPattern: word)) * 0x1p-31
      }
    }
    return Sound(rate: format.rate, channels: format.channels, samples: samples)
  }

  private static func limited(_ sample: Float) -> Float { sample.isFinite ? min(max(sample, -1), 1) : 0 }

  private static func number(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Int {
    (0..<count).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
  }
}
