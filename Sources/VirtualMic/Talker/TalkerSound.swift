import AudioCore
import OpusCodec

/// Makes a talker's sound piece by piece: decodes, recovers from copies, makes up what is missing and lets it die away.
/// Thread: one owner.
final class TalkerSound {
  let buffer: VoiceBuffer
  /// Nothing sounds: the next piece fades in.
  private(set) var isSilent = true
  /// Frames made up in a row.
  private(set) var madeUp = 0
  private var decoder: OpusDecoder?
  private var isPCM = false

  /// What is made up is believable for the first while, and gone after the second.
  private static let believable = 2880
  static let gone = 5760
  private static let ramp = 120
  private static let farewell = 480
  private static let silence = 48
  static let limit = OpusDecoder.packetLimit.value

  init(channels: Int) {
    buffer = VoiceBuffer(channels: channels)
    let layout: ChannelLayout = channels == 1 ? .mono : .stereo
    // Fails for want of memory only; then every packet is made up.
    decoder = try? OpusDecoder(.standard(layout: layout, bitrate: 64_000 * channels, frame: .ms20))
  }

  private var channels: Int { buffer.channels }

  /// How long a body sounds; zero for a pause, nil for what is no sound.
  static func frames(of body: MicFrame.Body) -> Int? {
    switch body {
    case .pause: return 0
    case .opus(let packet):
      // A header alone is how discontinuous transmission says that nothing follows.
      guard packet.count > 2 else { return packet.isEmpty ? nil : 0 }
      return packet.withUnsafeBufferPointer { OpusPacket.frames(of: $0)?.value }.flatMap { $0 <= limit ? $0 : nil }
    case .pcm(let samples, let channels):
      guard (1...2).contains(channels), !samples.isEmpty, samples.count % channels == 0 else { return nil }
      guard samples.count / channels <= limit, samples.allSatisfy(\.isFinite) else { return nil }
      return samples.count / channels
    }
  }

  /// Forgets what sounded before: another stream begins.
  func reset() {
    decoder?.reset()
    buffer.clear()
    (isSilent, madeUp) = (true, 0)
  }

  /// Appends what a packet holds. False when it could not be decoded; then its time is made up.
  func play(_ body: MicFrame.Body, frames: Int) -> Bool {
    let start = buffer.frames
    switch body {
    case .pause: return true
    case .opus(let packet):
      isPCM = false
      guard decode(packet) else {
        _ = makeUp(frames)
        return false
      }
    case .pcm(let samples, let given):
      isPCM = true
      let goesOn = madeUp > 0 && !isSilent && start == 0 ? buffer.continuation(Self.ramp) : []
      copy(samples, given)
      if !goesOn.isEmpty { buffer.fadeOver(goesOn, frames: Self.ramp) }
    }
    if isSilent { buffer.fade(from: 0, to: 1, over: Self.ramp) }
    (isSilent, madeUp) = (false, 0)
    return true
  }

  /// Appends a lost packet from the copy in the one after it. False when there is none.
  func recover(_ frames: Int, from next: MicFrame.Body) -> Bool {
    guard case .opus(let packet) = next, !isSilent, frames % FrameDuration.ms2_5.rawValue == 0 else { return false }
    let made = packet.withUnsafeBufferPointer { bytes -> Int? in
      guard OpusPacket.hasCopyOfPrevious(bytes) == true else { return nil }
      return try? decoder?.recover(from: bytes, frames: FrameCount(frames), into: buffer.end).value
    }
    guard let made, made == frames else { return false }
    buffer.append(made)
    madeUp = 0
    return true
  }

  /// Appends made-up sound, quieter the longer it goes on. False when nothing sounds any more.
  func makeUp(_ frames: Int) -> Bool {
    guard !isSilent, goOn(frames) else {
      isSilent = true
      return false
    }
    let fades = Float(Self.gone - Self.believable)
    let from = min(max(1 - Float(madeUp - Self.believable) / fades, 0), 1)
    madeUp += frames
    let to = min(max(1 - Float(madeUp - Self.believable) / fades, 0), 1)
    if to < 1 { buffer.fade(from: from, to: to, over: frames) }
    if madeUp >= Self.gone { end() }
    return true
  }

  /// Appends the end of what sounds.
  func fadeOut() {
    guard !isSilent, goOn(Self.farewell) else { return }
    buffer.fade(
      from: min(max(1 - Float(madeUp - Self.believable) / Float(Self.gone - Self.believable), 0), 1), to: 0,
      over: Self.farewell)
    end()
  }

  /// A moment of silence behind the sound, so that whatever filters it on its way ends in silence too.
  private func end() {
    buffer.end.update(repeating: 0, count: Self.silence * channels)
    buffer.append(Self.silence)
    isSilent = true
  }

  /// `frames` more of what sounds, the piece being empty.
  private func goOn(_ frames: Int) -> Bool {
    guard frames > 0, frames <= Self.limit else { return false }
    if isPCM || frames % FrameDuration.ms2_5.rawValue != 0 {
      buffer.continuePast(frames)
      return true
    }
    guard let made = try? decoder?.conceal(FrameCount(frames), into: buffer.end).value, made == frames else {
      return false
    }
    buffer.append(made)
    return true
  }

  private func decode(_ packet: [UInt8]) -> Bool {
    let end = buffer.end
    let made = packet.withUnsafeBufferPointer { bytes in
      try? decoder?.decode(bytes, into: end, capacity: OpusDecoder.packetLimit).value
    }
    guard let made else { return false }
    buffer.append(made)
    return true
  }

  /// One channel is heard on both sides, two are heard at half each, so that nothing clips.
  private func copy(_ samples: [Float], _ given: Int) {
    let frames = samples.count / given
    let end = buffer.end
    for frame in 0..<frames {
      let left = samples[frame * given]
      let right = samples[frame * given + given - 1]
      if channels == 1 {
        end[frame] = given == 1 ? left : 0.5 * (left + right)
      } else {
        end[2 * frame] = left
        end[2 * frame + 1] = right
      }
    }
    buffer.append(frames)
  }
}
