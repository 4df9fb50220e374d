import ALSAIO
import AudioIO
import JACKIO

/// The sound systems a graph can run on, by the names users write. Those that need a server of their own are made when first
/// asked for.
final class SoundSystems {
  static let names = ["pipewire", "alsa", "jack", "null"]

  private let pipewire: any AudioBackend
  private lazy var alsa: any AudioBackend = ALSABackend()

  private lazy var jack: any AudioBackend = JACKBackend()

  init(pipewire: any AudioBackend) { self.pipewire = pipewire }

  func backend(_ name: String) throws(BackendError) -> any AudioBackend {
    switch name {
    case "pipewire": return pipewire
    case "alsa", "null": return alsa
    case "jack": return jack
    default:
      throw BackendError(
        .unsupportedRole, "there is no sound system \(name)", hint: "one of " + Self.names.joined(separator: ", "))
    }
  }
}
