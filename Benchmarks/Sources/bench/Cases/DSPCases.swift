import AudioCore
import CLoudness
import CMix
import Mixer

/// Processors of sound beside what a book has for them, plainly in C, and the meter beside libebur128: of the whole chain
/// all of these together.
func dspCases() throws(BenchError) -> [Case] {
  var cases: [Case] = []
  for (layout, title) in [(ChannelLayout.stereo, "2ch"), (.surround71, "8ch")] {
    let sound = LoudSound(layout)
    for frames in [64, 256, 1024] {
      for part in ProcessorFixture.Part.allCases {
        let fixture = ProcessorFixture(sound, part, frames: frames)
        let isPerFilter = part == .equalizer
        cases.append(
          Case(
            name: "dsp/\(part.rawValue)/\(title)/\(frames)", unit: isPerFilter ? "filter and sample" : "frame",
            unitsPerBatch: 4 * frames * (isPerFilter ? 10 * layout.count : 1),
            ours: { for _ in 0..<4 { fixture.ours() } }, floor: { for _ in 0..<4 { fixture.floor() } }))
      }
    }
  }
  return cases
}

/// The programme, so loud that a limiter has to work in every burst.
private final class LoudSound {
  let layout: ChannelLayout
  let planes: [UnsafeMutablePointer<Float>]

  init(_ layout: ChannelLayout) {
    self.layout = layout
    let programme = Programme(layout)
    planes = (0..<layout.count).map { channel in
      let plane = UnsafeMutablePointer<Float>.allocate(capacity: Programme.frames)
      for frame in 0..<Programme.frames { (plane + frame).initialize(to: 5 * programme.planar[channel][frame]) }
      return plane
    }
  }

  deinit { for plane in planes { plane.deallocate() } }
}

/// One of them and its peer, each of which goes on where it was.
private final class ProcessorFixture {
  enum Part: String, CaseIterable {
    case limiter, compressor
    case equalizer = "equalizer-10"
    case loudness, leveller, chain
  }

  private let sound: LoudSound
  private let part: Part
  private let frames: Int
  private let channels: Int
  private let work: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private var place = 0

  private var limiter: TruePeakLimiter
  private var compressor: Compressor
  private var equalizer: Equalizer
  private var leveller: Leveller
  private var meter: LoudnessMeter

  private var other: UnsafeMutablePointer<ebur128_state>?
  private let interleaved: UnsafeMutablePointer<Float>
  private let past: UnsafeMutablePointer<Float>
  private let states: UnsafeMutablePointer<Double>
  private let sections: UnsafeMutablePointer<Double>
  private var gain: Float = 1
  private var reduction: Float = 0

  init(_ sound: LoudSound, _ part: Part, frames: Int) {
    (self.sound, self.part, self.frames) = (sound, part, frames)
    channels = sound.layout.count
    let format = StreamFormat(rate: .codec, layout: sound.layout)
    work = .allocate(capacity: channels)
    for channel in 0..<channels { (work + channel).initialize(to: .allocate(capacity: frames)) }
    limiter = TruePeakLimiter(rate: .codec, layout: sound.layout)
    compressor = Compressor(rate: .codec, channels: channels)
    leveller = Leveller(format: format)
    meter = LoudnessMeter(format: format)
    equalizer = Equalizer(format: format)
    let bands = (0..<10).map { band in
      EqualizerBand(
        FilterShape(
          .peak, frequency: 31.25 * Double(1 << band), q: 1.4, gain: Decibels(band % 2 == 0 ? 3 : -3)))
    }
    equalizer.aim(EqualizerCurve(bands: bands, rate: .codec))
    equalizer.reset()
    let modes = EBUR128_MODE_I.rawValue | EBUR128_MODE_LRA.rawValue | EBUR128_MODE_TRUE_PEAK.rawValue
    other = ebur128_init(UInt32(channels), 48_000, Int32(modes | EBUR128_MODE_HISTOGRAM.rawValue))
    interleaved = .allocate(capacity: channels * frames)
    past = .allocate(capacity: 11 * channels)
    past.initialize(repeating: 0, count: 11 * channels)
    states = .allocate(capacity: 20 * channels)
    states.initialize(repeating: 0, count: 20 * channels)
    sections = .allocate(capacity: 50)
    for (index, band) in bands.enumerated() {
      let own = band.shape.coefficients(at: .codec)
      for (place, value) in [own.b0, own.b1, own.b2, own.a1, own.a2].enumerated() {
        (sections + 5 * index + place).initialize(to: value)
      }
    }
  }

  deinit {
    ebur128_destroy(&other)
    for channel in 0..<channels { work[channel].deallocate() }
    for pointer in [interleaved, past] { pointer.deallocate() }
    for pointer in [states, sections] { pointer.deallocate() }
    work.deallocate()
  }

  private func bring() {
    for channel in 0..<channels { bareCopy(work[channel], sound.planes[channel] + place, frames) }
    place += frames
    if place + frames > Programme.frames { place = 0 }
  }

  @inline(never) func ours() {
    bring()
    switch part {
    case .limiter: limiter.process(work, frames: frames)
    case .compressor: compressor.process(work, frames: frames)
    case .equalizer: equalizer.process(work, frames: frames)
    case .loudness: listen()
    case .leveller: leveller.process(work, frames: frames)
    case .chain:
      leveller.process(work, frames: frames)
      compressor.process(work, frames: frames)
      equalizer.process(work, frames: frames)
      limiter.process(work, frames: frames)
      listen()
    }
  }

  /// Who shows a peak for each block makes the meter look between all samples.
  private func listen() {
    meter.process(work, frames: frames)
    use(Int(meter.takeTruePeak()))
  }

  @inline(never) func floor() {
    bring()
    switch part {
    case .limiter: bareLimiter()
    case .compressor: bareCompressor()
    case .equalizer: bareEqualizer()
    case .loudness, .leveller: measure()
    case .chain:
      bareCompressor()
      bareEqualizer()
      bareLimiter()
      measure()
    }
  }

  private func bareLimiter() { bare { cmix_limiter($0, Int32(channels), Int32(frames), past, &gain) } }
  private func bareCompressor() { bare { cmix_compressor($0, Int32(channels), Int32(frames), &reduction) } }
  private func bareEqualizer() { bare { cmix_biquads($0, Int32(channels), Int32(frames), sections, 10, states) } }

  /// It takes frames interleaved, as its users have to.
  private func measure() {
    bareInterleave(interleaved, work, channels: channels, offset: 0, frames: frames)
    ebur128_add_frames_float(other, interleaved, frames)
  }

  private func bare(_ body: (UnsafeMutablePointer<UnsafeMutablePointer<Float>?>) -> Void) {
    work.withMemoryRebound(to: UnsafeMutablePointer<Float>?.self, capacity: channels, body)
  }
}
