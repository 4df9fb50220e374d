import Control

/// Gives its arguments back, after the checks every verb gets.
enum EchoVerb: Verb {
  static let name = "test.echo"
  static let summary = "Repeats."
  static let parameters: [VerbParameter] = [
    .required("port", .integer(1...65535), "a number"),
    .optional("mode", .choice(["fast", "slow"]), default: "fast", "a name"),
    .optional("note", .text(maximumBytes: 2_000_000), "any text"),
  ]
  static let result = "the arguments"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: TestDaemon
  ) throws(ControlError) -> JSON {
    context.calls += 1
    return .object(arguments.object)
  }
}

@section("streamd_verbs") @used
let echoRecord: VerbRecord = (1, { exportVerb(EchoVerb.self) })

/// Has arguments named as members of the flat form, as some verbs of older protocols do.
enum NodeVerb: Verb {
  static let name = "test.node"
  static let summary = "Makes a node."
  static let parameters: [VerbParameter] = [
    .optional("id", .integer(0...100), "which"), .optional("args", .any, "its parameters"),
  ]
  static let result = "id"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: TestDaemon
  ) throws(ControlError) -> JSON {
    ["id": 7, "got": .object(arguments.object), "ok": "not this"]
  }
}

@section("streamd_verbs") @used
let nodeRecord: VerbRecord = (1, { exportVerb(NodeVerb.self) })

/// Answers when the test opens the gate.
enum GateVerb: DeferredVerb {
  static let name = "test.gate"
  static let summary = "Waits."
  static let result = "null"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: TestDaemon
  ) async throws(ControlError) -> JSON {
    await withCheckedContinuation { context.gates.append($0) }
    if Task.isCancelled { context.cancelled += 1 }
    return .null
  }
}

@section("streamd_verbs") @used
let gateRecord: VerbRecord = (1, { exportVerb(GateVerb.self) })

/// Wants something of the daemon that another daemon has.
enum StrangerVerb: Verb {
  final class OtherDaemon: ControlContext {}

  static let name = "test.stranger"
  static let summary = "Fails."
  static let result = "nothing"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: OtherDaemon
  ) throws(ControlError) -> JSON { nil }
}

@section("streamd_verbs") @used
let strangerRecord: VerbRecord = (1, { exportVerb(StrangerVerb.self) })
