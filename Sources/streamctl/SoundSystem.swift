import ALSAIO
import AudioIO
import Control
import JACKIO
import PipeWireIO

/// Which backend a command uses, in the words a user writes: `pipewire`, `alsa`, `alsa:PCM`, `jack`,
/// `jack:SERVER`.
enum SoundSystem: Hashable {
  case pipewire
  /// Nil for the PCM `default`.
  case alsa(pcm: String?)
  /// Nil for the user's own server.
  case jack(server: String?)

  init?(_ text: String) {
    switch text {
    case "pipewire": self = .pipewire
    case "alsa": self = .alsa(pcm: nil)
    case "jack": self = .jack(server: nil)
    case _ where text.hasPrefix("alsa:") && text.utf8.count > 5: self = .alsa(pcm: String(text.dropFirst(5)))
    case _ where text.hasPrefix("jack:") && text.utf8.count > 5: self = .jack(server: String(text.dropFirst(5)))
    default: return nil
    }
  }

  /// The backend of that name, as the daemon calls it.
  static func backend(_ name: String, _ options: Options) throws -> any AudioBackend {
    switch name {
    case "alsa": ALSABackend()
    case "jack": JACKBackend()
    default: try PipeWireBackend(remote: options.value("--remote") ?? "")
    }
  }

  /// From `--backend`, `--sink` and `--remote`: the backend, and where to play.
  static func player(_ options: Options) throws -> (any AudioBackend, SinkTarget) {
    let words = options.value("--backend") ?? "pipewire"
    guard let system = SoundSystem(words) else {
      throw Failure(.usage, "usage", "--backend \(words): pipewire, alsa, alsa:PCM, jack or jack:SERVER")
    }
    let sink = options.value("--sink").map { SinkTarget.named($0) }
    switch system {
    case .pipewire: return (try PipeWireBackend(remote: options.value("--remote") ?? ""), sink ?? .defaultSink)
    case .alsa(let pcm):
      for option in ["--sink", "--remote"] where options.value(option) != nil {
        throw Failure(.usage, "usage", "\(option) is PipeWire's; ALSA's PCM stands behind --backend alsa:")
      }
      return (ALSABackend(), pcm.map { SinkTarget.named($0) } ?? .defaultSink)
    case .jack(let server):
      guard options.value("--remote") == nil else {
        throw Failure(.usage, "usage", "--remote is PipeWire's; JACK's server stands behind --backend jack:")
      }
      return (JACKBackend(server: server), sink ?? .defaultSink)
    }
  }
}
