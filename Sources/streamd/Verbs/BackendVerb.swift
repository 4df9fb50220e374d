import AudioCore
import Control
import Wiring

/// Another sound system under the same graph.
enum BackendVerb: Verb {
  typealias Context = Daemon

  static let name = "backend"
  static let scope = VerbScope.admin
  static let summary = "Chooses the sound system that the graph runs on; the graph stays as it is."
  static let parameters: [VerbParameter] = [
    .required(
      "driver", .choice(SoundSystems.names), alias: "name", "pipewire, alsa, jack, or null: a clock without a device.")
  ]
  static let result = "device{}: as it is to be"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    var device = daemon.graph.device
    device.system = try arguments.required("driver", as: .string)
    if device.system != daemon.graph.device.system { device.name = nil }
    try daemon.graph.use(device)
    return ["device": daemon.graph.deviceReport()]
  }
}

@section("streamd_verbs") @used
let backendRecord: VerbRecord = (1, { exportVerb(BackendVerb.self) })
