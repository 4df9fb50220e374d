/// One change to what belongs to the user, written down before it is made so that it can be undone by anybody.
public struct Lease: Hashable, Sendable {
  public var key: LeaseKey
  /// What to go back to; nil when nothing was set.
  public var old: String?
  /// What took effect while nothing was set. A session manager may remember past choices and keep following the last of
  /// them, so unsetting alone would not bring this back.
  public var shown: String?
  public var new: String
  /// Who needs the change; nil once its owner has given it up and only the undoing is left.
  public var owner: ProcessIdentity?
  /// `shown` is being set, to be unset right after: until then it is no choice of the user's.
  public var isReturning = false

  public init(key: LeaseKey, old: String?, shown: String? = nil, new: String, owner: ProcessIdentity?) {
    self.key = key
    self.old = old
    self.shown = shown
    self.new = new
    self.owner = owner
  }
}

/// What is changed, and where: the same key on another server is another thing.
public struct LeaseKey: Hashable, Sendable, CustomStringConvertible {
  public var place: String
  public var name: String

  public init(place: String, name: String) {
    self.place = place
    self.name = name
  }

  public var description: String { name }
}

/// A value of the user's world as it is now.
public enum LeasedValue: Hashable, Sendable {
  /// Not to be read at the moment. Nothing is decided then.
  case unknown
  case known(String?)
}

/// What became of a lease: for the log, and for the person who asked for a clean-up.
public enum LeaseNote: Hashable, Sendable, CustomStringConvertible {
  /// The old value stands again, or the change was never made.
  case undone(Lease)
  /// Somebody has chosen another value since; it stays.
  case newerChoice(Lease, now: String?)
  /// A later change was made on top of this one and goes back to this one's old value.
  case handedOn(Lease)
  /// A dead owner's change that is wanted again.
  case adopted(Lease)
  /// The value was as wanted before anybody asked: it is the user's own.
  case alreadySo(LeaseKey, String)
  /// The ledger could not be understood and was moved out of the way.
  case setAside(path: String, reason: String)

  public var description: String {
    switch self {
    case .undone(let lease): "\(lease.key) is back at \(Self.text(lease.old))"
    case .newerChoice(let lease, let now):
      "\(lease.key) was set to \(Self.text(now)) after us and stays so"
    case .handedOn(let lease): "\(lease.key): \"\(lease.new)\" is no longer needed"
    case .adopted(let lease): "\(lease.key): \"\(lease.new)\" was left by a process that has ended; taken over"
    case .alreadySo(let key, let value): "\(key) is \"\(value)\" already, by the user's own choice"
    case .setAside(let path, let reason): "the ledger of leases was set aside as \(path): \(reason)"
    }
  }

  static func text(_ value: String?) -> String { value.map { "\"\($0)\"" } ?? "nothing" }
}

public struct LeaseError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    case noStateDirectory = "no_state_directory"
    case unwritable = "ledger_unwritable"
    case unreadable = "ledger_unreadable"
    case busy = "ledger_busy"
    case full = "ledger_full"
    case valueUnknown = "value_unknown"
    case badValue = "bad_value"
    case refused = "refused"
  }

  public var code: Code
  public var message: String
  public var hint: String?

  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  public var description: String { hint.map { "\(message) (\($0))" } ?? message }
}
