public import AudioCore

/// A file of whole numbers: what is lost by rounding becomes noise that does not follow the sound.
/// Thread: any one at a time, never render.
public final class DitheredWriter: SoundFileWriter, @unchecked Sendable {
  private let file: any SoundFileWriter
  private let channels: Int
  private var dither: Dither
  private let planes: SoundPlanes
  private var interleaved: [Float] = []
  private static let chunk = 4096

  private init(_ file: any SoundFileWriter, bits: Int, rate: SampleRate, channels: Int) {
    self.file = file
    self.channels = channels
    dither = Dither(rate: rate, channels: channels)
    var settings = Dither.Settings()
    settings.bits = bits
    dither.apply(settings)
    planes = SoundPlanes(channels: channels, frames: Self.chunk)
  }

  /// The file itself where its samples need no rounding, or where a codec does what it wants with them.
  public static func around(
    _ file: any SoundFileWriter, kind: SoundFileKind, encoding: SampleEncoding, rate: SampleRate, channels: Int
  ) -> any SoundFileWriter {
    switch (kind, encoding) {
    case (.ogg, _), (.wav, .float32): file
    case (_, .integer16): DitheredWriter(file, bits: 16, rate: rate, channels: channels)
    case (_, .integer24), (.flac, .float32): DitheredWriter(file, bits: 24, rate: rate, channels: channels)
    }
  }

  public func write(_ from: UnsafePointer<Float>, frames: Int) throws(SoundFileError) {
    var done = 0
    while done < frames {
      let count = min(frames - done, Self.chunk)
      let source = from + done * channels
      interleaved.removeAll(keepingCapacity: true)
      for channel in 0..<channels {
        let plane = planes.channels[channel]
        for frame in 0..<count { plane[frame] = source[frame * channels + channel] }
      }
      dither.process(planes.channels, frames: count)
      for frame in 0..<count {
        for channel in 0..<channels { interleaved.append(planes.channels[channel][frame]) }
      }
      try file.write(interleaved, frames: count)
      done += count
    }
  }
}
