/// What verbs act on: the daemon's composition root conforms, and each verb names the concrete class as its `Context`.
@ControlActor
public protocol ControlContext: AnyObject, Sendable {}

/// What is known about an operation without running it.
public protocol VerbDescription: SendableMetatype {
  /// As in `"op"`: lower case, groups separated by a dot.
  static var name: String { get }
  /// One line.
  static var summary: String { get }
  static var parameters: [VerbParameter] { get }
  /// What the result holds, one line.
  static var result: String { get }
  /// What a caller who is not this user's own process must have been granted.
  static var scope: VerbScope { get }
  /// Whether it is about the caller's own connection to the socket, so that it makes no sense through any other door.
  static var isBound: Bool { get }
}

/// What may be done by whom, where callers are granted something; each includes those before it.
public enum VerbScope: String, Sendable, CaseIterable, Comparable {
  /// Looks and changes nothing.
  case read
  /// Changes what is heard: levels, mutes, profiles.
  case control
  /// Changes where sound goes to or comes from, and what files are touched.
  case admin

  public static func < (left: VerbScope, right: VerbScope) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .read: 0
    case .control: 1
    case .admin: 2
    }
  }
}

/// One operation of the control plane, answered at once. One file holds one verb and its record:
///
///     @section("streamd_verbs") @used
///     let pingRecord: VerbRecord = (1, { exportVerb(PingVerb.self) })
public protocol Verb: VerbDescription {
  /// What `run` acts on: the daemon's class, or `any ControlContext` for a verb that needs nothing of it.
  associatedtype Context

  /// Called with arguments that passed `parameters`; defaults are filled in.
  @ControlActor
  static func run(
    _ arguments: Arguments, client: ClientSession, in context: Context
  ) throws(ControlError) -> JSON
}

/// A verb that waits for something. Its reply may come after those of later requests; the task is cancelled when the
/// client goes away.
public protocol DeferredVerb: VerbDescription {
  /// As for `Verb`.
  associatedtype Context

  @ControlActor
  static func run(
    _ arguments: Arguments, client: ClientSession, in context: Context
  ) async throws(ControlError) -> JSON
}

extension VerbDescription {
  public static var parameters: [VerbParameter] { [] }
  public static var scope: VerbScope { .control }
  public static var isBound: Bool { false }
}

/// A verb with its type erased.
public struct VerbDescriptor: Sendable {
  enum Action: Sendable {
    case immediate(
      @Sendable @ControlActor (Arguments, ClientSession, any ControlContext) throws(ControlError) -> JSON)
    case deferred(
      @Sendable @ControlActor (Arguments, ClientSession, any ControlContext) async throws(ControlError) -> JSON)
  }

  public let name: String
  public let summary: String
  public let parameters: [VerbParameter]
  public let result: String
  public let scope: VerbScope
  public let isBound: Bool
  let action: Action

  init<Described: VerbDescription>(_ verb: Described.Type, _ action: Action) {
    name = verb.name
    summary = verb.summary
    parameters = verb.parameters
    result = verb.result
    scope = verb.scope
    isBound = verb.isBound
    self.action = action
  }

  public init<Exported: Verb>(_ verb: Exported.Type) {
    self.init(
      verb,
      .immediate { arguments, client, context throws(ControlError) in
        try verb.run(arguments, client: client, in: try checked(context, for: verb.name))
      })
  }

  public init<Exported: DeferredVerb>(_ verb: Exported.Type) {
    self.init(
      verb,
      .deferred { arguments, client, context async throws(ControlError) in
        try await verb.run(arguments, client: client, in: try checked(context, for: verb.name))
      })
  }

  public var isDeferred: Bool {
    if case .deferred = action { true } else { false }
  }
}

private func checked<Context>(_ context: any ControlContext, for name: String) throws(ControlError) -> Context {
  guard let context = context as? Context else {
    throw ControlError(.internal, "\(name) is served by the wrong daemon")
  }
  return context
}
