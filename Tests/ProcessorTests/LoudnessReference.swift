import CLoudnessReference

/// The highest true peak of any channel in dBTP as libebur128 reads it.
func referenceTruePeak(_ sound: Sound) -> Double { referenceTruePeaks(sound).max() ?? -300 }

/// That of each channel.
func referenceTruePeaks(_ sound: Sound) -> [Double] {
  let channels = sound.channels.count
  var state = ebur128_init(UInt32(channels), UInt(sound.rate), Int32(EBUR128_MODE_TRUE_PEAK.rawValue))
  defer { ebur128_destroy(&state) }
  var mixed = [Float](repeating: 0, count: channels * sound.frames)
  for (channel, samples) in sound.channels.enumerated() {
    for frame in 0..<sound.frames { mixed[frame * channels + channel] = samples[frame] }
  }
  ebur128_add_frames_float(state, mixed, sound.frames)
  return (0..<channels).map { channel in
    var peak = 0.0
    ebur128_true_peak(state, UInt32(channel), &peak)
    return decibels(peak)
  }
}
