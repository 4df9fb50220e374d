import AudioIO
import Control

/// Every device there is.
enum DeviceListVerb: DeferredVerb {
  typealias Context = Daemon

  static let name = "device_list"
  static let summary = "Every device of the sound systems that are watched; naming one has it watched from then on."
  static let parameters: [VerbParameter] = [
    .optional("direction", .choice(DeviceDirection.allCases.map(\.rawValue)), "input: recorded; output: played to."),
    .optional("backend", .choice(DeviceRegistry.systemNames), "Of this sound system alone."),
  ]
  static let result = "devices[]; backends{}: whether each could be listed"

  @ControlActor
  static func run(
    _ arguments: Arguments, client: ClientSession, in daemon: Daemon
  ) async throws(ControlError) -> JSON {
    let system = try arguments.optional("backend", as: .string)
    try await daemon.devices.attach(for: "", system: system)
    return daemon.devices.list(try DeviceFindVerb.direction(arguments), system: system)
  }
}

@section("streamd_verbs") @used
let deviceListRecord: VerbRecord = (1, { exportVerb(DeviceListVerb.self) })
