import AudioCore
import CResamplers
import Glibc

/// The main path's resampler beside soxr's high quality and libsamplerate's medium one: what comes closest to ours, which is
/// the only one of the three whose ratio may move and that has no more latency than its filter.
func resamplerCases() -> [Case] {
  var cases: [Case] = []
  for (from, to) in [(44_100, 48_000), (48_000, 44_100), (96_000, 48_000), (192_000, 48_000)] {
    for channels in [1, 2] {
      let name = "\(from / 100)-\(to / 100)/\(channels)ch"
      let fixture = ResamplerFixture(from: from, to: to, channels: channels)
      cases.append(
        Case(
          name: "resampler/soxr/\(name)", unit: "frame", unitsPerBatch: fixture.frames, ours: { fixture.fixed() },
          floor: { fixture.soxr() }))
      cases.append(
        Case(
          name: "resampler/samplerate/\(name)", unit: "frame", unitsPerBatch: fixture.frames,
          ours: { fixture.fixed() }, floor: { fixture.libsamplerate() }))
    }
  }
  let fixture = ResamplerFixture(from: 44_100, to: 48_000, channels: 2)
  cases.append(
    Case(
      name: "resampler/corrected/441-480/2ch", unit: "frame", unitsPerBatch: fixture.frames,
      ours: { fixture.corrected() }, floor: { fixture.fixed() }))
  return cases
}

/// A stretch of sound, and three ways to bring it to another rate, each of which goes on where it was. Theirs take frames
/// interleaved; that is part of nobody's time.
private final class ResamplerFixture {
  /// Frames in and out of a batch.
  private let taken: Int
  let frames: Int
  private let channels: Int
  private let ratio: Double
  private let input: UnsafeMutablePointer<Float>
  private let output: UnsafeMutablePointer<Float>
  private let room: Int
  private var plain: SincResampler
  private var steered: SincResampler
  private let soxrState: soxr_t?
  private let otherState: OpaquePointer?

  init(from: Int, to: Int, channels: Int) {
    frames = to / 100
    taken = from / 100
    room = 2 * frames + 64
    ratio = Double(to) / Double(from)
    self.channels = channels
    input = .allocate(capacity: taken * channels)
    for index in 0..<taken * channels { (input + index).initialize(to: Float(index % 89) / 178 - 0.25) }
    output = .allocate(capacity: room * channels)
    output.initialize(repeating: 0, count: room * channels)
    let (here, there) = (SampleRate(hertz: from), SampleRate(hertz: to))
    plain = SincResampler(quality: .main, from: here, to: there, channels: channels, isFixed: true)
    steered = SincResampler(quality: .main, from: here, to: there, channels: channels)
    steered.correct(ppm: 100, over: 1)
    var formats = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I)
    var quality = soxr_quality_spec(UInt(SOXR_HQ), 0)
    var runtime = soxr_runtime_spec(1)
    soxrState = soxr_create(Double(from), Double(to), UInt32(channels), nil, &formats, &quality, &runtime)
    var failure: Int32 = 0
    otherState = src_new(Int32(SRC_SINC_MEDIUM_QUALITY), Int32(channels), &failure)
    precondition(soxrState != nil && otherState != nil)
  }

  deinit {
    soxr_delete(soxrState)
    src_delete(otherState)
    input.deallocate()
    output.deallocate()
  }

  @inline(never) func fixed() {
    _ = plain.feed(input, frames: taken, stride: 1, channelStride: taken)
    use(plain.produce(into: output, limit: room, stride: 1, channelStride: room))
  }

  @inline(never) func corrected() {
    _ = steered.feed(input, frames: taken, stride: 1, channelStride: taken)
    use(steered.produce(into: output, limit: room, stride: 1, channelStride: room))
  }

  @inline(never) func soxr() {
    var (used, made) = (0, 0)
    _ = soxr_process(soxrState, input, taken, &used, output, room, &made)
    use(made)
  }

  @inline(never) func libsamplerate() {
    var data = SRC_DATA()
    data.data_in = UnsafePointer(input)
    data.input_frames = taken
    data.data_out = output
    data.output_frames = room
    data.src_ratio = ratio
    src_process(otherState, &data)
    use(data.output_frames_gen)
  }
}
