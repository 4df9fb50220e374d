/// Ends the events of topics.
enum UnsubscribeVerb: Verb {
  static let name = "unsubscribe"
  static let scope = VerbScope.read
  static let isBound = true
  static let summary = "Ends the events of some topics, or of all."
  static let parameters: [VerbParameter] = [
    .optional("topics", .array(of: .string, maximumCount: 32), alias: "events", "all when absent")
  ]
  static let result = "topics: the names still subscribed"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: any ControlContext
  ) throws(ControlError) -> JSON {
    let bus = client.server.bus
    if let names = try arguments.optional("topics", as: .array(of: .string)) {
      try bus.checkTopics(names)
      for name in names { bus.unsubscribe(client, from: name) }
    } else {
      bus.unsubscribe(client)
    }
    return ["topics": JSON(bus.topicNames(of: client))]
  }
}

@section("streamd_verbs") @used
let unsubscribeRecord: VerbRecord = (1, { exportVerb(UnsubscribeVerb.self) })
