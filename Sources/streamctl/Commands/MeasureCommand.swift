import AudioCore
import Control
import SoundFiles

/// What meters say about a sound file.
enum MeasureCommand: Command {
  static let name = "measure"
  static let summary = "loudness, true peak, offset and clicks of a sound file"
  static let usage = """
    usage: streamctl measure FILE [--dual-mono] [--json]
    FILE is WAV, FLAC, Ogg or whatever else libsndfile reads, of 1 to 8 channels. Loudness is that of ITU-R BS.1770 and
    EBU R 128; --dual-mono takes one channel for two speakers. Needs neither the daemon nor PipeWire.
    """
  static let flags: Set<String> = ["--dual-mono"]

  static func run(_ options: Options) throws -> ExitStatus {
    guard let path = options.words.first else { throw Failure(.usage, "usage", "measure needs a FILE") }
    try options.refuseWords(beyond: 1)
    let reader: SoundFile
    do throws(SoundFileError) {
      reader = try SoundFile(path: path)
    } catch {
      throw Failure(error == .notFound(path) ? .notFound : .refused, error.code, error.message)
    }
    let found = SoundMeasurement(of: reader, dualMono: options.has("--dual-mono"))
    guard found.frames > 0 else { throw Failure(.refused, "sound_file_empty", "\(path): holds no sound") }
    print(options.asJSON ? found.json : found.text)
    return .ok
  }
}
