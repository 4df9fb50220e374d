import AudioCore
import CResamplerReference
import Glibc

/// Other people's resamplers, and ours in one call. All of them put output frame n at input frame n times the ratio.
enum WholeResampler {
  case ours, strict, soxr, libsamplerate

  func run(_ input: [Float], from: Int, to: Int) -> [Float] {
    switch self {
    case .ours: Self.ours(.main, input, from: from, to: to)
    case .strict: Self.ours(.bandLimited, input, from: from, to: to)
    case .soxr: Self.soxr(input, from: from, to: to, recipe: SOXR_VHQ)
    case .libsamplerate: Self.libsamplerate(input, from: from, to: to)
    }
  }

  private static func room(_ frames: Int, _ from: Int, _ to: Int) -> Int { frames * to / from + 64 }

  private static func ours(_ quality: ResamplerQuality, _ input: [Float], from: Int, to: Int) -> [Float] {
    var resampler = SincResampler(
      quality: quality, from: SampleRate(hertz: from), to: SampleRate(hertz: to), channels: 1,
      chunk: FrameCount(input.count), isFixed: true)
    var output = [Float](repeating: 0, count: room(input.count, from, to))
    _ = resampler.feed(input, frames: input.count, stride: 1, channelStride: 0)
    let made = resampler.produce(into: &output, limit: output.count, stride: 1, channelStride: 0)
    return Array(output[..<made])
  }

  private static func soxr(_ input: [Float], from: Int, to: Int, recipe: Int32) -> [Float] {
    var quality = soxr_quality_spec(UInt(recipe), UInt(SOXR_ROLLOFF_NONE))
    var formats = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I)
    var output = [Float](repeating: 0, count: room(input.count, from, to))
    var (used, made) = (0, 0)
    let failure = soxr_oneshot(
      Double(from), Double(to), 1, input, input.count, &used, &output, output.count, &made, &formats, &quality, nil)
    precondition(failure == nil)
    return Array(output[..<made])
  }

  private static func libsamplerate(_ input: [Float], from: Int, to: Int) -> [Float] {
    var output = [Float](repeating: 0, count: room(input.count, from, to))
    let made = input.withUnsafeBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        var data = SRC_DATA()
        data.data_in = input.baseAddress
        data.input_frames = input.count
        data.data_out = output.baseAddress
        data.output_frames = output.count
        data.src_ratio = Double(to) / Double(from)
        let failure = src_simple(&data, Int32(SRC_SINC_BEST_QUALITY), 1)
        precondition(failure == 0)
        return data.output_frames_gen
      }
    }
    return Array(output[..<made])
  }
}
