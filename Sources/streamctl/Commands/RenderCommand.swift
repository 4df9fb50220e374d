import AudioCore
import Control
import GraphFiles
import SoundFiles

/// A sound file through a chain of processors.
enum RenderCommand: Command {
  static let name = "render"
  static let summary = "a sound file through a chain of processors, with figures and a picture of what it did"
  static let usage = """
    usage: streamctl render FILE --chain NAME|CHAIN.json [--out FILE] [--encoding f32|s16|s24] [--plot FILE.svg|png]
                            [--json]
    Runs FILE through a chain, faster than real time, and says loudness and peaks before and after. The result is as long
    as FILE and in time with it: the chain's own delay is taken off. --out keeps it: .wav, .flac or .ogg; s16 and s24 are
    dithered. --plot draws levels, gains and loudness over time. streamctl chain lists the chains there are. Needs neither
    the daemon nor PipeWire.
    """
  static let values: Set<String> = ["--chain", "--out", "--encoding", "--plot"]

  static func run(_ options: Options) throws -> ExitStatus {
    guard let path = options.words.first else { throw Failure(.usage, "usage", "render needs a FILE") }
    try options.refuseWords(beyond: 1)
    guard let name = options.value("--chain") else {
      throw Failure(.usage, "usage", "--chain is missing: streamctl chain lists them")
    }
    let chain = try ChainFile.chain(name)
    let out = try options.value("--out").map { (path) throws(Failure) in try SoundTarget(path, options) }
    let plot = try options.value("--plot").map { (path) throws(Failure) in try PlotTarget(path) }
    let before = SoundMeasurement(of: try open(path))
    guard before.frames > 0 else { throw Failure(.refused, "sound_file_empty", "\(path): holds no sound") }
    var pass = try ChainPass(chain, path: path, sound: try open(path), frames: before.frames)
    let after = try pass.run(into: out)
    if let plot { try plot.write(pass.trace) }
    let found = RenderFindings(
      chain: chain.name, latency: pass.latency, before: before, after: after, speed: pass.speed,
      written: [options.value("--out"), options.value("--plot")].compactMap(\.self))
    print(options.asJSON ? found.json : found.text)
    return .ok
  }

  private static func open(_ path: String) throws(Failure) -> SoundFile {
    do throws(SoundFileError) { return try SoundFile(path: path) } catch {
      throw Failure(error == .notFound(path) ? .notFound : .refused, error.code, error.message)
    }
  }
}
