public import AudioCore
internal import CSoundFileSystem

/// WAV, FLAC and Ogg through libsndfile, and heads. Thread: any but render.
public struct SoundFileLibrary: SoundFileAccess {
  /// Calls `HeadProcess.serve`.
  private let headReader: String

  public init(headReader: String = "/proc/self/exe") { self.headReader = headReader }

  public func head(path: String, azimuths: [Double]) throws(SoundFileError) -> HeadResponses {
    try HeadProcess.read(program: headReader, path: path, azimuths: azimuths)
  }

  public func reader(path: String, most: Int) throws(SoundFileError) -> any SoundFileReader {
    try OpenSoundFile(reading: path, most: most)
  }

  public func writer(
    path: String, kind: SoundFileKind, encoding: SampleEncoding, rate: SampleRate, channels: Int
  ) throws(SoundFileError) -> any SoundFileWriter {
    try OpenSoundFile(writing: path, kind: kind, encoding: encoding, rate: rate, channels: channels)
  }
}

/// One file, closed when dropped.
private final class OpenSoundFile: SoundFileReader, SoundFileWriter, @unchecked Sendable {
  private let file: OpaquePointer
  private let path: String
  let rate: SampleRate
  let channels: Int
  let length: FrameCount?
  /// Of samples that are written as whole numbers.
  private let bits: Int?
  private var whole: [Int32] = []

  init(reading path: String, most: Int) throws(SoundFileError) {
    var facts = SF_INFO()
    guard let file = sf_open(path, Int32(SFM_READ), &facts) else { throw Self.failure(nil, path) }
    guard facts.samplerate > 0, facts.channels > 0, facts.channels <= most else {
      sf_close(file)
      throw SoundFileError(
        code: "file_unusable", message: "\(path) has \(facts.channels) channels; at most \(most) go")
    }
    self.file = file
    self.path = path
    rate = SampleRate(hertz: Int(facts.samplerate))
    channels = Int(facts.channels)
    length = facts.seekable != 0 && facts.frames >= 0 ? FrameCount(Int(facts.frames)) : nil
    bits = nil
  }

  init(
    writing path: String, kind: SoundFileKind, encoding: SampleEncoding, rate: SampleRate, channels: Int
  ) throws(SoundFileError) {
    var facts = SF_INFO()
    facts.samplerate = Int32(clamping: rate.hertz)
    facts.channels = Int32(clamping: channels)
    facts.format = Self.format(kind, encoding)
    guard sf_format_check(&facts) != 0 else {
      throw SoundFileError(
        code: "file_format",
        message: "\(kind.rawValue) does not hold \(encoding.rawValue) with \(channels) channels at \(rate.hertz) Hz")
    }
    guard let file = sf_open(path, Int32(SFM_WRITE), &facts) else { throw Self.failure(nil, path) }
    // The chunk of peaks bears the time of day: the same sound would give other bytes.
    sf_command(file, Int32(SFC_SET_ADD_PEAK_CHUNK), nil, Int32(SF_FALSE))
    sf_command(file, Int32(SFC_SET_CLIPPING), nil, Int32(SF_TRUE))
    self.file = file
    self.path = path
    self.rate = rate
    self.channels = channels
    length = nil
    bits = kind == .ogg ? nil : [.integer16: 16, .integer24: 24][encoding]
  }

  deinit { sf_close(file) }

  private static func format(_ kind: SoundFileKind, _ encoding: SampleEncoding) -> Int32 {
    let samples =
      switch encoding {
      case .float32: SF_FORMAT_FLOAT
      case .integer16: SF_FORMAT_PCM_16
      case .integer24: SF_FORMAT_PCM_24
      }
    return switch kind {
    case .wav: Int32(SF_FORMAT_WAV | samples)
    case .flac: Int32(SF_FORMAT_FLAC | samples)
    // Vorbis has no encoding to choose.
    case .ogg: Int32(SF_FORMAT_OGG | SF_FORMAT_VORBIS)
    }
  }

  private static func failure(_ file: OpaquePointer?, _ path: String) -> SoundFileError {
    SoundFileError(code: "file_error", message: "\(path): \(sf_strerror(file).map { String(cString: $0) } ?? "error")")
  }

  func read(_ into: UnsafeMutablePointer<Float>, frames: Int) throws(SoundFileError) -> Int {
    let count = Int(sf_readf_float(file, into, sf_count_t(frames)))
    if count < frames, sf_error(file) != 0 { throw Self.failure(file, path) }
    return count
  }

  func seek(to frame: Int) throws(SoundFileError) {
    guard sf_seek(file, sf_count_t(frame), SEEK_SET) >= 0 else { throw Self.failure(file, path) }
  }

  func write(_ from: UnsafePointer<Float>, frames: Int) throws(SoundFileError) {
    guard let bits else {
      guard Int(sf_writef_float(file, from, sf_count_t(frames))) == frames else { throw Self.failure(file, path) }
      return
    }
    // The library takes 32767 for full scale, and reads back by 32768: whole numbers come back as they were.
    let scale = Double(1 << (bits - 1))
    whole.removeAll(keepingCapacity: true)
    for sample in 0..<frames * channels {
      let value = from[sample]
      let steps = value.isFinite ? (Double(value) * scale).rounded(.toNearestOrEven) : 0
      whole.append(Int32(min(max(steps, -scale), scale - 1)) << (32 - bits))
    }
    guard Int(sf_writef_int(file, whole, sf_count_t(frames))) == frames else { throw Self.failure(file, path) }
  }
}
