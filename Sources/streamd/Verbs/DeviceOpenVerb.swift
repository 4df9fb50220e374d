import AudioCore
import Control
import Wiring

/// Another device under the same graph.
enum DeviceOpenVerb: Verb {
  typealias Context = Daemon

  static let name = "device_open"
  static let scope = VerbScope.admin
  static let summary = "Chooses the device that the graph plays into, its rate, channels and period."
  static let parameters: [VerbParameter] = [
    .optional(
      "name", .string, default: "default", "A sink's node name, a PCM; default: whatever is the default, now and later."
    ),
    .optional("rate", .integer(8000...192_000), default: 48_000, unit: "Hz", "The graph's rate."),
    .optional("channels", .integer(1...8), default: 2, "1, 2, 6 or 8."),
    .optional("period", .integer(16...8192), unit: "frames", "Asked for; the device decides."),
    .optional("driver", .choice(SoundSystems.names), "As for backend."),
  ]
  static let result = "device{}, state{}"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let now = daemon.graph.device
    let channels = try arguments.required("channels", as: .integer)
    guard let layout = ChannelLayout(channels: channels) else {
      throw ControlError(.badArgs, "channels: 1, 2, 6 and 8 are possible, not \(channels)", path: "channels")
    }
    let name = try arguments.required("name", as: .string)
    let rate = SampleRate(hertz: try arguments.required("rate", as: .integer))
    try daemon.graph.use(
      GraphDevice(
        system: try arguments.optional("driver", as: .string) ?? now.system,
        name: name.isEmpty || name == "default" ? nil : name, format: StreamFormat(rate: rate, layout: layout),
        period: try arguments.optional("period", as: .integer).map { FrameCount($0) } ?? now.period))
    return ["device": daemon.graph.deviceReport(), "state": daemon.graph.state()]
  }
}

@section("streamd_verbs") @used
let deviceOpenRecord: VerbRecord = (1, { exportVerb(DeviceOpenVerb.self) })
