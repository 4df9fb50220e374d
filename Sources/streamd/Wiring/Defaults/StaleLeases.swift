public import AudioCore
public import AudioIO
public import Leases

/// What a clean-up found and did.
public struct StaleLeases: Sendable {
  public var notes: [LeaseNote] = []
  /// Leases that could not be undone now; they stay in the ledger.
  public var left = 0
  /// Leases of processes that live and of other servers: none of our business.
  public var others = 0

  public init() {}

  public static func += (all: inout Self, more: Self) {
    all.notes += more.notes
    all.left += more.left
    all.others += more.others
  }
}

/// Undoes what ended processes have left changed, and returns when the server shows it, or at the latest after `timeout`.
///
/// Without a ledger nothing is asked of the server. Thread: control; it waits.
public func undoStaleLeases(
  on choices: [any DefaultDeviceChoice], file: LeaseFile, timeout: HostDuration
) throws(LeaseError) -> StaleLeases {
  var found = StaleLeases()
  guard file.exists else { return found }
  let leases = choices.map { DefaultDeviceLease(choice: $0, file: file) }
  let end = renderNow() + timeout
  for lease in leases { found.notes += try lease.finish(within: end - renderNow()) }
  let ledger = try file.locked { held throws(LeaseError) in held.ledger }
  let places = Set(choices.map(\.place))
  found.left = ledger.leases.count { places.contains($0.key.place) && !($0.owner?.isAlive ?? false) }
  found.others = ledger.leases.count - found.left
  return found
}
