public import AudioCore
import CSoundFileSystem
import Glibc

/// Writes samples as they are into WAV or FLAC: no conversion, no dither, no scaling. A WAV beyond 4 GiB is RF64.
/// Thread: any one at a time, never render.
public final class ExactSoundFile {
  public enum Samples: Sendable, CaseIterable {
    case float32, integer16, integer24, integer32

    var bytes: Int { self == .integer16 ? 2 : self == .integer24 ? 3 : 4 }

    var name: String {
      switch self {
      case .float32: "f32"
      case .integer16: "s16"
      case .integer24: "s24"
      case .integer32: "s32"
      }
    }

    var code: Int {
      switch self {
      case .float32: SF_FORMAT_FLOAT
      case .integer16: SF_FORMAT_PCM_16
      case .integer24: SF_FORMAT_PCM_24
      case .integer32: SF_FORMAT_PCM_32
      }
    }
  }

  private let file: OpaquePointer
  private let path: String
  private let channels: Int
  private let samples: Samples
  private let isRaw: Bool
  private var whole: [Int32] = []

  /// What a RIFF file may hold, its heads left out.
  private static let riffLimit = 0xffff_ff00 - (1 << 16)

  /// `frames` is how many will come. A file that is there is replaced.
  public convenience init(
    path: String, kind: SoundFileKind, samples: Samples, rate: SampleRate, layout: ChannelLayout, frames: Int
  ) throws(SoundFileError) {
    try self.init(path: path, kind: kind, samples: samples, rate: rate, layout: layout, frames: frames) { facts in
      sf_open(path, Int32(SFM_WRITE), &facts)
    }
  }

  /// Into whatever `open` opens.
  init(
    path: String, kind: SoundFileKind, samples: Samples, rate: SampleRate, layout: ChannelLayout, frames: Int,
    open: (inout SF_INFO) -> OpaquePointer?
  ) throws(SoundFileError) {
    var facts = SF_INFO()
    facts.samplerate = Int32(clamping: rate.hertz)
    facts.channels = Int32(layout.count)
    let isLarge = frames > Self.riffLimit / (samples.bytes * layout.count)
    switch kind {
    case .flac: facts.format = Int32(SF_FORMAT_FLAC | samples.code)
    case .wav:
      let container = isLarge ? SF_FORMAT_RF64 : layout.count > 2 ? SF_FORMAT_WAVEX : SF_FORMAT_WAV
      facts.format = Int32(container | samples.code)
    case .ogg:
      throw SoundFileError(code: "file_format", message: "ogg does not keep samples as they are; wav and flac do")
    }
    guard sf_format_check(&facts) != 0 else {
      throw SoundFileError(
        code: "file_format",
        message: "\(kind.rawValue) does not hold \(samples.name) with \(layout.count) channels at \(rate.hertz) Hz"
          + (kind == .flac ? "; wav does" : ""))
    }
    guard let file = open(&facts) else { throw Self.failure(nil, path) }
    // The chunk of peaks bears the time of day: the same sound would give other bytes.
    sf_command(file, Int32(SFC_SET_ADD_PEAK_CHUNK), nil, Int32(SF_FALSE))
    if layout.count > 2 {
      var map = layout.labels.map { Self.place($0) }
      sf_command(
        file, Int32(SFC_SET_CHANNEL_MAP_INFO), &map, Int32(map.count * MemoryLayout<Int32>.size))
    }
    self.file = file
    self.path = path
    self.samples = samples
    channels = layout.count
    isRaw = kind == .wav
  }

  deinit { sf_close(file) }

  private static func failure(_ file: OpaquePointer?, _ path: String) -> SoundFileError {
    SoundFileError(code: "file_error", message: "\(path): \(sf_strerror(file).map { String(cString: $0) } ?? "error")")
  }

  private static func place(_ label: ChannelLabel) -> Int32 {
    switch label {
    case .mono: Int32(SF_CHANNEL_MAP_MONO)
    case .frontLeft: Int32(SF_CHANNEL_MAP_LEFT)
    case .frontRight: Int32(SF_CHANNEL_MAP_RIGHT)
    case .frontCenter: Int32(SF_CHANNEL_MAP_CENTER)
    case .lowFrequency: Int32(SF_CHANNEL_MAP_LFE)
    case .rearLeft: Int32(SF_CHANNEL_MAP_REAR_LEFT)
    case .rearRight: Int32(SF_CHANNEL_MAP_REAR_RIGHT)
    case .sideLeft: Int32(SF_CHANNEL_MAP_SIDE_LEFT)
    case .sideRight: Int32(SF_CHANNEL_MAP_SIDE_RIGHT)
    }
  }

  /// Whole frames, little-endian and interleaved.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(SoundFileError) {
    guard bytes.count > 0 else { return }
    if isRaw {
      let done = sf_write_raw(file, bytes.baseAddress, sf_count_t(bytes.count))
      guard Int(done) == bytes.count else { throw Self.failure(file, path) }
      return
    }
    let count = bytes.count / samples.bytes
    whole.removeAll(keepingCapacity: true)
    for index in 0..<count {
      let place = index * samples.bytes
      switch samples {
      case .integer16: whole.append(Int32(bytes.loadUnaligned(fromByteOffset: place, as: Int16.self)) << 16)
      case .integer24:
        let value = UInt32(bytes[place]) << 8 | UInt32(bytes[place + 1]) << 16 | UInt32(bytes[place + 2]) << 24
        whole.append(Int32(bitPattern: value))
      case .integer32, .float32: whole.append(bytes.loadUnaligned(fromByteOffset: place, as: Int32.self))
      }
    }
    guard Int(sf_writef_int(file, whole, sf_count_t(count / channels))) == count / channels else {
      throw Self.failure(file, path)
    }
  }
}
