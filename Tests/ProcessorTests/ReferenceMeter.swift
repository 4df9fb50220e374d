import AudioCore
import CLoudnessReference

/// libebur128: what others measure.
final class ReferenceMeter {
  private var state: UnsafeMutablePointer<ebur128_state>?

  /// `map` has the library's word for each channel.
  init(rate: Int, map: [channel], peaks: Bool = true) {
    let modes = EBUR128_MODE_I.rawValue | EBUR128_MODE_LRA.rawValue | (peaks ? EBUR128_MODE_TRUE_PEAK.rawValue : 0)
    state = ebur128_init(UInt32(map.count), UInt(rate), Int32(modes))
    for (index, place) in map.enumerated() { ebur128_set_channel(state, UInt32(index), Int32(place.rawValue)) }
  }

  convenience init(_ sound: TestSound, layout: ChannelLayout? = nil, peaks: Bool = true) {
    let layout = layout ?? ChannelLayout(channels: sound.channels.count)!
    self.init(rate: sound.rate, map: Self.map(of: layout), peaks: peaks)
    add(sound)
  }

  deinit { ebur128_destroy(&state) }

  static func map(of layout: ChannelLayout) -> [channel] {
    let hasSides = layout.index(of: .sideLeft) != nil
    return layout.labels.map { label in
      switch label {
      case .mono: EBUR128_LEFT
      case .frontLeft: EBUR128_LEFT
      case .frontRight: EBUR128_RIGHT
      case .frontCenter: EBUR128_CENTER
      case .lowFrequency: EBUR128_UNUSED
      case .rearLeft: hasSides ? EBUR128_Mp135 : EBUR128_LEFT_SURROUND
      case .rearRight: hasSides ? EBUR128_Mm135 : EBUR128_RIGHT_SURROUND
      case .sideLeft: EBUR128_Mp090
      case .sideRight: EBUR128_Mm090
      }
    }
  }

  func add(_ sound: TestSound) {
    let count = sound.channels.count
    var interleaved = [Float](repeating: 0, count: sound.frames * count)
    for (index, plane) in sound.channels.enumerated() {
      for frame in plane.indices { interleaved[frame * count + index] = plane[frame] }
    }
    ebur128_add_frames_float(state, interleaved, sound.frames)
  }

  var integrated: Double { value { ebur128_loudness_global($0, $1) } }
  var momentary: Double { value { ebur128_loudness_momentary($0, $1) } }
  var shortTerm: Double { value { ebur128_loudness_shortterm($0, $1) } }
  var range: Double { value { ebur128_loudness_range($0, $1) } }

  private func value(
    _ ask: (UnsafeMutablePointer<ebur128_state>?, UnsafeMutablePointer<Double>) -> Int32
  ) -> Double {
    var value = Double.nan
    _ = ask(state, &value)
    return value
  }

  /// In dBTP, the highest of all channels.
  var truePeak: Double {
    var highest = 0.0
    for index in 0..<(state?.pointee.channels ?? 0) {
      var value = 0.0
      ebur128_true_peak(state, index, &value)
      highest = max(highest, value)
    }
    return Decibels(amplitude: highest).value
  }
}
