public import AudioCore
import OpusCodec

/// Sounds every frame the moment it comes: for senders beside us, where there is no jitter to buffer against.
/// Thread: the pump's.
public final class DirectVoice: TalkerVoice {
  public let channels: Int
  public private(set) var garbage: UInt64 = 0
  private var decoder: OpusDecoder?
  private let pcm: UnsafeMutableBufferPointer<Float>
  /// Frames of sound in `pcm`, not yet pushed.
  private var filled = 0

  private static let limit = OpusDecoder.packetLimit.value

  /// One or two channels, whatever the packets have.
  public init(channels: Int = 2) {
    precondition((1...2).contains(channels))
    self.channels = channels
    let layout: ChannelLayout = channels == 1 ? .mono : .stereo
    // Fails for want of memory only; then every packet is garbage.
    decoder = try? OpusDecoder(.standard(layout: layout, bitrate: 64_000 * channels, frame: .ms20))
    pcm = .allocate(capacity: Self.limit * channels)
  }

  deinit { pcm.deallocate() }

  public func insert(_ frame: MicFrame, at arrival: HostTime) {
    switch frame.body {
    case .pause: filled = 0
    case .opus(let packet): decode(packet)
    case .pcm(let samples, let channels): copy(samples, channels)
    }
  }

  public func step(at now: HostTime, into push: (UnsafeBufferPointer<Float>) -> Void) -> HostTime? {
    if filled > 0 { push(UnsafeBufferPointer(rebasing: pcm[..<(filled * channels)])) }
    filled = 0
    return nil
  }

  private func decode(_ packet: [UInt8]) {
    filled = 0
    // An empty packet is discontinuous transmission.
    guard !packet.isEmpty, let base = pcm.baseAddress else { return }
    packet.withUnsafeBufferPointer { bytes in
      do throws(OpusError) {
        filled = try decoder?.decode(bytes, into: base, capacity: OpusDecoder.packetLimit).value ?? 0
      } catch { filled = 0 }
    }
    if filled == 0 { garbage += 1 }
  }

  private func copy(_ samples: [Float], _ given: Int) {
    filled = 0
    guard !samples.isEmpty else { return }
    guard
      (1...2).contains(given), samples.count % given == 0, samples.count / given <= Self.limit,
      samples.allSatisfy(\.isFinite)
    else {
      garbage += 1
      return
    }
    filled = samples.count / given
    samples.withUnsafeBufferPointer { ChannelFold.fold($0, from: given, into: pcm, channels: channels) }
    for index in 0..<(filled * channels) { pcm[index] = min(max(pcm[index], -1), 1) }
  }
}
