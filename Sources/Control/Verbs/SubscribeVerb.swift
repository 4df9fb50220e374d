/// Starts the events of topics. The answer holds each topic's present state and revision, so nothing is missed between
/// asking and listening.
enum SubscribeVerb: Verb {
  static let name = "subscribe"
  static let scope = VerbScope.read
  static let isBound = true
  static let summary = "Starts the events of some topics and returns their present state."
  static let parameters: [VerbParameter] = [
    .required("topics", .array(of: .string, maximumCount: 32), alias: "events", "names as in describe"),
    .optional(
      "max_hz", .number(0.01...1000), unit: "Hz",
      "At most so many events a second of each state topic, the latest always in the end; log topics are never thinned."
    ),
    .optional(
      "rate", .number(WindowReader.rates), unit: "Hz",
      "How many events a second window topics send: each says what happened since the one before. 20 when left out."),
  ]
  static let result = "topics: for each, rev and snapshot"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: any ControlContext
  ) throws(ControlError) -> JSON {
    let names = try arguments.required("topics", as: .array(of: .string))
    try client.server.bus.checkTopics(names)
    let interval = try arguments.optional("max_hz", as: .number).map { Duration.seconds(1 / $0) }
    let rate = try arguments.optional("rate", as: .number)
    var topics = JSONObject()
    for name in names {
      let state = client.server.bus.subscribe(client, to: name, form: arguments.form, every: interval, rate: rate)
      topics[name] = ["rev": JSON(state.revision), "snapshot": state.snapshot]
    }
    return ["topics": .object(topics)]
  }
}

@section("streamd_verbs") @used
let subscribeRecord: VerbRecord = (1, { exportVerb(SubscribeVerb.self) })
