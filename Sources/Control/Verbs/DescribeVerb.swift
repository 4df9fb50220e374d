import Wording

/// The protocol, said by itself: documentation and clients are made from this.
enum DescribeVerb: Verb {
  static let name = "describe"
  static let scope = VerbScope.read
  static let summary = "Lists operations with their arguments as JSON Schema, topics, and error codes."
  static let parameters: [VerbParameter] = [.optional("op", .string, "only this operation")]
  static let result = "name, version, protocol, ops, topics, errors; or the one operation asked for"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: any ControlContext
  ) throws(ControlError) -> JSON {
    let server = client.server
    if let name = try arguments.optional("op", as: .string) {
      guard let verb = server.catalog[name] else {
        throw ControlError(
          .notFound, "no operation is named \(name)", path: "op",
          hint: nearestName(to: name, among: server.catalog.names))
      }
      return .object(describe(verb))
    }
    return [
      "name": .string(server.identity.name),
      "version": .string(server.identity.version),
      "protocol": ["major": JSON(ControlProtocol.major), "minor": JSON(ControlProtocol.minor)],
      "limits": [
        "line_bytes": JSON(ControlProtocol.maximumLineBytes), "batch": JSON(ControlProtocol.maximumBatch),
        "clients": JSON(server.limits.clients),
      ],
      "ops": .object(JSONObject(server.catalog.verbs.map { ($0.name, .object(describe($0))) })),
      "topics": .object(
        JSONObject(
          server.bus.topics.map { ($0.name, ["kind": .string($0.kind.rawValue), "summary": .string($0.summary)]) })),
      "errors": .object(JSONObject(ControlError.Code.allCases.map { ($0.rawValue, .string($0.summary)) })),
    ]
  }

  private static func describe(_ verb: VerbDescriptor) -> JSONObject {
    [
      "summary": .string(verb.summary), "args": .object(verb.parameters.schema), "result": .string(verb.result),
      "deferred": .bool(verb.isDeferred), "scope": .string(verb.scope.rawValue),
    ]
  }
}

@section("streamd_verbs") @used
let describeRecord: VerbRecord = (1, { exportVerb(DescribeVerb.self) })
