import AudioCore

/// Sound like what a desktop plays, the same in every run: pink noise with a burst of tone in each channel now and then.
/// A whole number of cycles and packets of every size that is measured, so that it can be played in a circle.
final class Programme {
  static let rate = 48_000
  /// Of every quantum up to 1024 and of 5 ms packets.
  static let stretch = 15_360
  static let stretches = 16
  static let frames = stretch * stretches

  let layout: ChannelLayout
  let planar: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  let interleaved: UnsafeMutablePointer<Float>

  init(_ layout: ChannelLayout) {
    self.layout = layout
    planar = .allocate(capacity: layout.count)
    interleaved = .allocate(capacity: Self.frames * layout.count)
    for channel in 0..<layout.count {
      let samples = UnsafeMutablePointer<Float>.allocate(capacity: Self.frames)
      Self.fill(samples, channel: channel)
      planar[channel] = samples
      for frame in 0..<Self.frames { interleaved[frame * layout.count + channel] = samples[frame] }
    }
  }

  deinit {
    for channel in 0..<layout.count { planar[channel].deallocate() }
    planar.deallocate()
    interleaved.deallocate()
  }

  private static func fill(_ samples: UnsafeMutablePointer<Float>, channel: Int) {
    var random = UInt64(channel + 1) &* 0x9E37_79B9_7F4A_7C15
    var slow: (Float, Float, Float) = (0, 0, 0)
    // A recursive oscillator: no call into the mathematics library decides what the PCM is.
    let step = 0.02 + 0.013 * Float(channel)
    var (sine, cosine): (Float, Float) = (0, 1)
    for frame in 0..<frames {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      let white = Float(Int32(truncatingIfNeeded: random)) / Float(Int32.max)
      slow.0 = 0.99765 * slow.0 + white * 0.0990460
      slow.1 = 0.96300 * slow.1 + white * 0.2965164
      slow.2 = 0.57000 * slow.2 + white * 1.0526913
      let pink = (slow.0 + slow.1 + slow.2 + white * 0.1848) * 0.03
      sine += step * cosine
      cosine -= step * sine
      let place = (frame + channel * 3_000) % 19_200
      let gate: Float = place < 4_800 ? Float(min(place, 4_799 - place, 240)) / 240 : 0
      samples[frame] = pink + 0.25 * gate * sine
    }
  }
}

/// Plays blocks of one size to a render client, in a circle, under virtual time.
final class Player {
  private let programme: Programme
  private let quantum: Int
  private let client: Unmanaged<RenderClient>
  private let channels: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private var cycles: Int64 = 0

  /// The client must outlive the player.
  init(_ programme: Programme, quantum: Int, client: RenderClient) {
    self.programme = programme
    self.quantum = quantum
    self.client = .passUnretained(client)
    channels = .allocate(capacity: programme.layout.count)
  }

  deinit { channels.deallocate() }

  /// One cycle. Returns its time.
  func cycle() -> HostTime {
    let position = cycles * Int64(quantum)
    cycles += 1
    let offset = Int(position % Int64(Programme.frames))
    for channel in 0..<programme.layout.count { channels[channel] = programme.planar[channel] + offset }
    let time = HostTime(nanoseconds: position * 62_500 / 3)
    renderDispatch(
      client,
      Cycle(
        frames: quantum, time: time, position: position, quantum: quantum, layout: programme.layout, flags: .none,
        input: Block(channels: channels, channelCount: programme.layout.count, frames: quantum),
        output: Block(channels: channels, channelCount: 0, frames: quantum)))
    return time
  }
}
