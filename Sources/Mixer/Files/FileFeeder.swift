import AudioCore
import Synchronization

/// Reads a file ahead of the graph: decoded, in the graph's rate and channels. Thread: one worker.
final class FileFeeder: NodeWorker, @unchecked Sendable {
  /// The last frame is in the ring.
  let ended = FlagBox()
  private let file: any SoundFileReader
  private var ring: AudioRing.Writer
  private var resampler: SincResampler?
  private let gains: [Float]
  private let channels: Int
  private let loop: LiveParameter
  private let parameters: ParameterBlock
  private let raw: UnsafeMutablePointer<Float>
  private let planes: UnsafeMutablePointer<Float>
  private var position = 0
  /// Frames read since the file began last: one without any is not begun again.
  private var sinceBeginning = 0
  private var isFlushed = false
  private let trouble = Mutex<String?>(nil)
  private static let chunk = 1024

  init(
    _ file: any SoundFileReader, ring: consuming AudioRing.Writer, layout: ChannelLayout, rate: SampleRate,
    parameters: ParameterBlock
  ) {
    self.file = file
    self.ring = ring
    self.parameters = parameters
    loop = parameters.live("loop")
    channels = layout.count
    gains = ChannelMatrix.gains(from: file.channels, to: layout)
    if file.rate != rate {
      resampler = SincResampler(
        quality: .main, from: file.rate, to: rate, channels: layout.count, chunk: FrameCount(Self.chunk),
        isFixed: true)
    }
    raw = .allocate(capacity: Self.chunk * file.channels)
    planes = .allocate(capacity: Self.chunk * layout.count)
    planes.initialize(repeating: 0, count: Self.chunk * layout.count)
  }

  deinit {
    raw.deallocate()
    planes.deallocate()
  }

  func takeTrouble() -> String? {
    trouble.withLock { trouble in
      defer { trouble = nil }
      return trouble
    }
  }

  func step() -> Bool {
    guard !ended.flag.pointee.isRaised, ring.reserve(Self.chunk) != nil else { return false }
    if let made = resampler?.produce(into: planes, limit: Self.chunk, stride: 1, channelStride: Self.chunk), made > 0 {
      push(made)
      return true
    }
    do throws(SoundFileError) {
      let frames = try file.read(raw, frames: Self.chunk)
      if frames > 0 { return take(frames) }
      if loop.latest > 0.5, sinceBeginning > 0 {
        try file.seek(to: 0)
        sinceBeginning = 0
        return true
      }
    } catch {
      let message = error.message
      trouble.withLock { $0 = message }
    }
    return finish()
  }

  private func take(_ frames: Int) -> Bool {
    sinceBeginning += frames
    for channel in 0..<channels {
      let plane = planes + channel * Self.chunk
      for frame in 0..<frames {
        var sum: Float = 0
        for source in 0..<file.channels {
          sum += finite(raw[frame * file.channels + source]) * gains[channel * file.channels + source]
        }
        plane[frame] = sum
      }
    }
    if resampler == nil {
      push(frames)
    } else {
      _ = resampler?.feed(planes, frames: frames, stride: 1, channelStride: Self.chunk)
    }
    return true
  }

  /// The end: what the resampler still holds comes out when silence follows.
  private func finish() -> Bool {
    if let latency = resampler?.latency.value, !isFlushed {
      isFlushed = true
      planes.update(repeating: 0, count: Self.chunk * channels)
      _ = resampler?.feed(planes, frames: min(latency, Self.chunk), stride: 1, channelStride: Self.chunk)
      return true
    }
    ended.flag.pointee.raise()
    return false
  }

  private func push(_ frames: Int) {
    guard let span = ring.reserve(frames) else { return }
    for channel in 0..<channels {
      let plane = planes + channel * Self.chunk
      ring.pointer(channel: channel, offset: span.first).update(from: plane, count: span.firstCount)
      ring.pointer(channel: channel, offset: 0).update(from: plane + span.firstCount, count: span.secondCount)
    }
    _ = ring.commit(
      frames, time: HostTime(nanoseconds: 0), position: Int64(position), quantum: frames, flags: .none)
    position += frames
  }
}
