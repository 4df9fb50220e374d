public import AudioCore
import CSoundFileSystem
import Glibc

/// Reads WAV, FLAC, Ogg and whatever else libsndfile knows, as planar floats; integers become −1 to 1.
/// Thread: any one at a time, never render.
public final class SoundFile {
  public let rate: SampleRate
  public let layout: ChannelLayout
  /// What the header promises; nil where it does not say. A damaged file may hold less.
  public let frames: FrameCount?
  /// The kind of file and of samples, for people.
  public let format: String

  private let file: OpaquePointer
  private let interleaved: UnsafeMutablePointer<Float>
  private static let chunk = 4096

  public init(path: String) throws(SoundFileError) {
    guard access(path, F_OK) == 0 else { throw .notFound(path) }
    var info = SF_INFO()
    guard let file = sf_open(path, Int32(SFM_READ), &info) else {
      throw .unreadable(path: path, reason: Self.sentence(String(cString: sf_strerror(nil))))
    }
    let channels = Int(info.channels)
    var refusal: String?
    if !(1...ChannelLayout.limit).contains(channels) { refusal = "\(channels) channels: 1 to 8 are read" }
    if !(8000...384_000).contains(info.samplerate) { refusal = "\(info.samplerate) Hz: 8000 to 384000 are read" }
    guard refusal == nil, let layout = Self.layout(of: file, channels: channels) else {
      sf_close(file)
      throw .unsupported(path: path, what: refusal ?? "\(channels) channels in an order that has no names")
    }
    self.file = file
    self.layout = layout
    rate = SampleRate(hertz: Int(info.samplerate))
    // Of a pipe the library says the highest number there is.
    frames = info.frames >= 0 && info.frames < 1 << 48 ? FrameCount(Int(info.frames)) : nil
    format = Self.name(of: info.format)
    interleaved = .allocate(capacity: Self.chunk * channels)
  }

  deinit {
    sf_close(file)
    interleaved.deallocate()
  }

  /// The next frames into planes that have room for `limit`; 0 at the end.
  public func read(into planes: UnsafePointer<UnsafeMutablePointer<Float>>, limit: FrameCount) -> FrameCount {
    var done = 0
    let channels = layout.count
    while done < limit.value {
      let wanted = min(limit.value - done, Self.chunk)
      let got = Int(sf_readf_float(file, interleaved, sf_count_t(wanted)))
      guard got > 0 else { break }
      for channel in 0..<channels {
        let plane = planes[channel] + done
        for frame in 0..<got { plane[frame] = interleaved[frame * channels + channel] }
      }
      done += got
    }
    return FrameCount(done)
  }

  /// As the file says; where it does not, in the order that is usual.
  private static func layout(of file: OpaquePointer, channels: Int) -> ChannelLayout? {
    if channels == 1 { return .mono }
    var map = [Int32](repeating: 0, count: channels)
    let known = sf_command(
      file, Int32(SFC_GET_CHANNEL_MAP_INFO), &map, Int32(channels * MemoryLayout<Int32>.size))
    if known != 0 {
      let labels = map.compactMap { label($0) }
      if labels.count == channels, let layout = ChannelLayout(labels) { return layout }
    }
    if let layout = ChannelLayout(channels: channels) { return layout }
    let surround: [ChannelLabel] =
      switch channels {
      case 3: [.frontLeft, .frontRight, .frontCenter]
      case 4: [.frontLeft, .frontRight, .rearLeft, .rearRight]
      case 5: [.frontLeft, .frontRight, .frontCenter, .rearLeft, .rearRight]
      default: [.frontLeft, .frontRight, .frontCenter, .rearLeft, .rearRight, .sideLeft, .sideRight]
      }
    return ChannelLayout(surround)
  }

  private static func label(_ place: Int32) -> ChannelLabel? {
    switch Int(place) {
    case SF_CHANNEL_MAP_MONO: .mono
    case SF_CHANNEL_MAP_LEFT, SF_CHANNEL_MAP_FRONT_LEFT: .frontLeft
    case SF_CHANNEL_MAP_RIGHT, SF_CHANNEL_MAP_FRONT_RIGHT: .frontRight
    case SF_CHANNEL_MAP_CENTER, SF_CHANNEL_MAP_FRONT_CENTER: .frontCenter
    case SF_CHANNEL_MAP_LFE: .lowFrequency
    case SF_CHANNEL_MAP_REAR_LEFT: .rearLeft
    case SF_CHANNEL_MAP_REAR_RIGHT: .rearRight
    case SF_CHANNEL_MAP_SIDE_LEFT: .sideLeft
    case SF_CHANNEL_MAP_SIDE_RIGHT: .sideRight
    default: nil
    }
  }

  private static func name(of format: Int32) -> String {
    [format & Int32(SF_FORMAT_TYPEMASK), format & Int32(SF_FORMAT_SUBMASK)].compactMap { part in
      var info = SF_FORMAT_INFO()
      info.format = part
      let size = Int32(MemoryLayout<SF_FORMAT_INFO>.size)
      guard sf_command(nil, Int32(SFC_GET_FORMAT_INFO), &info, size) == 0, let name = info.name else { return nil }
      return String(cString: name)
    }.joined(separator: ", ")
  }

  /// As part of a line: no capital, no point at the end.
  private static func sentence(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first.map { String($0) } ?? "cannot be read"
    return String(line.reversed().drop { ". ".contains($0) }.reversed())
  }
}
