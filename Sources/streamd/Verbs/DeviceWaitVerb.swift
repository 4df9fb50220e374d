import AudioIO
import Control

/// A device, as soon as it is there.
enum DeviceWaitVerb: DeferredVerb {
  typealias Context = Daemon

  static let name = "device_wait"
  static let summary =
    "The device that words name, as soon as it is there. Other requests of the connection go on meanwhile."
  static let parameters: [VerbParameter] = [
    .required("device", .string, alias: "name", "As for device_find."),
    .optional("timeout", .number(0...3600), default: 10, unit: "s", "After that it is an error of code timeout."),
    .optional("direction", .choice(DeviceDirection.allCases.map(\.rawValue)), "input: recorded; output: played to."),
    .optional("backend", .choice(DeviceRegistry.systemNames), "Of this sound system alone."),
  ]
  static let result = "device{}"

  @ControlActor
  static func run(
    _ arguments: Arguments, client: ClientSession, in daemon: Daemon
  ) async throws(ControlError) -> JSON {
    let words = try arguments.required("device", as: .string)
    let scope = DeviceScope(
      try DeviceFindVerb.direction(arguments), system: try arguments.optional("backend", as: .string))
    let limit = Duration.milliseconds(Int64(try arguments.required("timeout", as: .number) * 1000))
    try await daemon.devices.attach(for: words, system: scope.system)
    return ["device": DeviceReport.json(try await daemon.devices.wait(for: words, scope, limit))]
  }
}

@section("streamd_verbs") @used
let deviceWaitRecord: VerbRecord = (1, { exportVerb(DeviceWaitVerb.self) })
