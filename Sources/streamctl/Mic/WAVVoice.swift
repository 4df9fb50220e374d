import AudioCore

extension WAVReader.Sound {
  /// As a microphone of one or two channels would give it: one is the mean of all, two are the first two or one twice.
  func folded(to count: Int) -> WAVReader.Sound {
    guard count != channels else { return self }
    var out = WAVReader.Sound(rate: rate, channels: count, samples: [])
    out.samples.reserveCapacity(samples.count / channels * count)
    for frame in stride(from: 0, to: samples.count, by: channels) {
      if count == 1 {
        out.samples.append(samples[frame..<frame + channels].reduce(0, +) / Float(channels))
      } else {
        for channel in 0..<count { out.samples.append(samples[frame + min(channel, channels - 1)]) }
      }
    }
    return out
  }

  /// The same sound at another rate, from its first frame to its last.
  func resampled(to wanted: SampleRate) -> WAVReader.Sound {
    guard wanted != rate else { return self }
    let chunk = 4096
    var resampler = SincResampler(
      quality: .main, from: rate, to: wanted, channels: channels, chunk: FrameCount(chunk))
    let frames = samples.count / channels
    let total = Int((Double(frames) * Double(wanted.hertz) / Double(rate.hertz)).rounded())
    // Behind the end there is silence, as much as the last frames need to come out.
    let padded = samples + [Float](repeating: 0, count: (2 * resampler.latency.value + chunk) * channels)
    var out = [Float](repeating: 0, count: total * channels)
    var (fed, made) = (0, 0)
    padded.withUnsafeBufferPointer { input in
      out.withUnsafeMutableBufferPointer { output in
        while made < total, fed < input.count / channels {
          fed += resampler.feed(
            input.baseAddress! + fed * channels, frames: min(chunk, input.count / channels - fed), stride: channels,
            channelStride: 1)
          made += resampler.produce(
            into: output.baseAddress! + made * channels, limit: total - made, stride: channels, channelStride: 1)
        }
      }
    }
    return WAVReader.Sound(rate: wanted, channels: channels, samples: out)
  }
}
