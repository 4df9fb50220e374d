import AudioCore
import Control
import Mixer
import SoundFiles

/// A sound file to be written, as its name and options say.
struct SoundTarget {
  let path: String
  let kind: SoundFileKind
  let encoding: SampleEncoding

  init(_ path: String, _ options: Options) throws(Failure) {
    guard let kind = SoundFileKind.allCases.first(where: { path.lowercased().hasSuffix("." + $0.rawValue) }) else {
      throw Failure(.usage, "usage", "--out \(path): a name that ends in .wav, .flac or .ogg")
    }
    self.path = path
    self.kind = kind
    guard let name = options.value("--encoding") else {
      encoding = kind == .flac ? .integer24 : .float32
      return
    }
    guard let encoding = SampleEncoding(rawValue: name) else {
      throw Failure(.usage, "usage", "--encoding \(name): f32, s16 or s24")
    }
    self.encoding = encoding
  }

  func open(rate: SampleRate, channels: Int) throws(Failure) -> any SoundFileWriter {
    do throws(SoundFileError) {
      let file = try SoundFileLibrary().writer(
        path: path, kind: kind, encoding: encoding, rate: rate, channels: channels)
      return DitheredWriter.around(file, kind: kind, encoding: encoding, rate: rate, channels: channels)
    } catch {
      throw Failure(.refused, error.code, error.message)
    }
  }
}
