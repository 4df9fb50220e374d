import Control

/// Lets a client's microphone in.
enum MicOpenVerb: Verb {
  typealias Context = Daemon

  static let name = "mic.open"
  static let scope = VerbScope.admin
  static let summary = "Lets a client's microphone in: what it says is heard in the source that applications record."
  static let parameters = MicRequest.parameters
  static let result = "mic{}; port for UDP, session_id for sealed, path for local"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let mics = try daemon.requireMicrophones()
    let request = try MicRequest(arguments)
    guard request.way != .local else { return ["mic": .null, "path": .string(try mics.openLocal())] }
    let entry = try mics.open(request)
    if try arguments.optional("while_connected", as: .boolean) ?? false {
      client.onClose { [weak mics] in mics?.close(entry) }
    }
    var result: JSONObject = ["mic": .object(mics.report(of: entry))]
    if let port = entry.port { result["port"] = JSON(Int(port)) }
    if let session = entry.session { result["session_id"] = .string("\(session)") }
    return .object(result)
  }
}

@section("streamd_verbs") @used
let micOpenRecord: VerbRecord = (1, { exportVerb(MicOpenVerb.self) })
