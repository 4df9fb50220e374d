import AudioIO
import Control

/// The one device that words name.
enum DeviceFindVerb: DeferredVerb {
  typealias Context = Daemon

  static let name = "device_find"
  static let summary = "The one device that words name, never one that only resembles."
  static let parameters: [VerbParameter] = [
    .required(
      "device", .string, alias: "name",
      "Its id, name or description, a name it had before, or a pattern with * and ?; `alsa:` or `jack:` before it, or \"default\"."
    ),
    .optional("direction", .choice(DeviceDirection.allCases.map(\.rawValue)), "input: recorded; output: played to."),
    .optional(
      "backend", .choice(DeviceRegistry.systemNames), "Of this sound system alone; else PipeWire's come first."),
  ]
  static let result = "device{}; several that fit are an error that names them, none is one that names what is alike"

  @ControlActor
  static func run(
    _ arguments: Arguments, client: ClientSession, in daemon: Daemon
  ) async throws(ControlError) -> JSON {
    let words = try arguments.required("device", as: .string)
    let scope = DeviceScope(try direction(arguments), system: try arguments.optional("backend", as: .string))
    try await daemon.devices.attach(for: words, system: scope.system)
    return ["device": DeviceReport.json(try daemon.devices.find(words, scope))]
  }

  static func direction(_ arguments: Arguments) throws(ControlError) -> DeviceDirection? {
    try arguments.optional("direction", as: .choice)
  }
}

@section("streamd_verbs") @used
let deviceFindRecord: VerbRecord = (1, { exportVerb(DeviceFindVerb.self) })
