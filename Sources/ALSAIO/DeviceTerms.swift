import AudioCore
import CALSASystem

/// What was agreed with an opened device.
struct DeviceTerms: Hashable, Sendable {
  enum Access: String, Sendable, CaseIterable {
    case mappedInterleaved = "mmap"
    case interleaved = "rw"
    case mappedPlanar = "mmap planar"
    case planar = "rw planar"

    /// What we ask for, the best first.
    static let preferred: [Access] = [.mappedInterleaved, .interleaved, .mappedPlanar, .planar]

    var native: snd_pcm_access_t {
      switch self {
      case .mappedInterleaved: SND_PCM_ACCESS_MMAP_INTERLEAVED
      case .interleaved: SND_PCM_ACCESS_RW_INTERLEAVED
      case .mappedPlanar: SND_PCM_ACCESS_MMAP_NONINTERLEAVED
      case .planar: SND_PCM_ACCESS_RW_NONINTERLEAVED
      }
    }

    var isMapped: Bool { self == .mappedInterleaved || self == .mappedPlanar }
    var isInterleaved: Bool { self == .mappedInterleaved || self == .interleaved }
  }

  var access: Access
  var code: SampleCode
  var rate: SampleRate
  var channels: DeviceChannels
  var period: FrameCount
  var buffer: FrameCount

  /// Such as `mmap s16 44100 Hz, 2 channels, 512 of 1536 frames`.
  var summary: String {
    "\(access.rawValue) \(code.name) \(rate.hertz) Hz, \(channels.labels.count) channels, "
      + "\(period.value) of \(buffer.value) frames"
  }
}

extension SampleCode {
  var native: snd_pcm_format_t {
    switch self {
    case .float32: SND_PCM_FORMAT_FLOAT
    case .int32: SND_PCM_FORMAT_S32
    case .int24: SND_PCM_FORMAT_S24
    case .packed24: SND_PCM_FORMAT_S24_3LE
    case .int16: SND_PCM_FORMAT_S16
    }
  }
}
