public import AudioCore
public import AudioIO
import Glibc
public import Leases

/// Leases on the user's choice of default sink or source. Several holders may need the same device as default; the choice
/// goes back when the last of them has let go.
///
/// What the user chooses meanwhile is never fought and never undone.
///
/// Thread: control.
public final class DefaultDeviceLease {
  public let choice: any DefaultDeviceChoice
  private let file: LeaseFile
  private let owner: ProcessIdentity
  private var holders: [String: Set<String>] = [:]
  private var settling: SettledChoice
  /// Leases of this server in the ledger that nobody needs any more, as far as the last look told.
  public private(set) var unfinished: Int
  /// The user's own device that the newest claim stands in for; a claim taken over from a process that has ended tells too.
  public private(set) var replaced: String?

  public init(choice: any DefaultDeviceChoice, file: LeaseFile, owner: ProcessIdentity = .current) {
    self.choice = choice
    self.file = file
    self.owner = owner
    settling = SettledChoice()
    // Until the ledger has been read, whatever is there counts.
    unfinished = file.exists ? 1 : 0
  }

  private var key: LeaseKey {
    LeaseKey(place: choice.place, name: "default.configured.audio.\(choice.device.rawValue)")
  }

  /// Makes `device` the default for `holder`, which may ask again without harm. The ledger is on disk before the server
  /// hears of it.
  public func acquire(_ device: String, for holder: String) throws(LeaseError) -> [LeaseNote] {
    let (key, state) = (key, choice.state)
    if holders[device]?.contains(holder) == true { return [] }
    let notes = try file.locked { held throws(LeaseError) in
      let decision = try LeasePlan.acquire(
        key, device, for: owner, in: held.ledger, current: Self.value(state), shown: state.effective, isAlive: \.isAlive
      )
      try held.keep(decision.ledger)
      let lease = decision.ledger.leases.last { $0.key == key && $0.new == device }
      replaced = lease.flatMap { $0.old ?? $0.shown } ?? replaced
      do throws(LeaseError) {
        try make(decision.changes)
      } catch {
        // Whether the server heard of it is not known: `step` finds out.
        unfinished += 1
        try held.keep(LeasePlan.release(key, device, of: owner, in: held.ledger))
        throw error
      }
      return (held.setAside.map { [$0] } ?? []) + decision.notes
    }
    holders[device, default: []].insert(holder)
    return notes
  }

  /// Lets go for `holder`; the last one gives the choice back, at once where the server answers, else through `step`.
  public func release(_ device: String, for holder: String) throws(LeaseError) -> [LeaseNote] {
    guard holders[device]?.remove(holder) != nil else { return [] }
    guard holders[device]?.isEmpty == true else { return [] }
    holders[device] = nil
    let key = key
    return try file.locked { held throws(LeaseError) in
      try held.keep(LeasePlan.release(key, device, of: owner, in: held.ledger))
      return try settle(&held, value)
    }
  }

  /// Goes on undoing what nobody needs: leases of processes that have ended, and our own until the server has answered.
  /// To be called twice a second or oftener; costs nothing when there is nothing to do.
  public func step(at now: HostTime) throws(LeaseError) -> [LeaseNote] {
    guard unfinished > 0 else { return [] }
    guard file.exists else {
      unfinished = 0
      return []
    }
    guard let settled = settling.look(choice.state, at: now) else { return [] }
    return try file.locked { held throws(LeaseError) in try settle(&held, Self.value(settled)) }
  }

  /// Goes on undoing for as long as `patience`, for a process that ends. Waits for the server.
  public func finish(within patience: HostDuration) throws(LeaseError) -> [LeaseNote] {
    var notes: [LeaseNote] = []
    let end = renderNow() + patience
    while unfinished > 0, renderNow() < end {
      notes += try step(at: renderNow())
      if unfinished > 0 { usleep(10_000) }
    }
    return notes
  }

  private func settle(_ held: inout LeaseFile.Held, _ value: LeasedValue) throws(LeaseError) -> [LeaseNote] {
    let key = key
    let decision = LeasePlan.settle(held.ledger, current: { $0 == key ? value : .unknown }, isAlive: \.isAlive)
    try held.keep(decision.ledger)
    unfinished = decision.ledger.leases.count { $0.key == key && !($0.owner?.isAlive ?? false) }
    try make(decision.changes)
    return (held.setAside.map { [$0] } ?? []) + decision.notes
  }

  private func make(_ changes: [LeasePlan.Change]) throws(LeaseError) {
    for change in changes {
      do throws(BackendError) {
        // WirePlumber keeps a list of past choices and follows the last that exists when none is set: what was used
        // before goes on top of that list, or ours would stay the default for as long as it exists.
        if change.value == nil, let shown = change.shown { try choice.choose(shown) }
        try choice.choose(change.value)
      } catch {
        throw LeaseError(.refused, "\(change.key) could not be set: \(error.message)", hint: error.hint)
      }
    }
  }

  private var value: LeasedValue { Self.value(choice.state) }

  private static func value(_ state: DefaultDeviceState) -> LeasedValue {
    switch state.configured {
    case .unknown, .unreadable: .unknown
    case .unset: .known(nil)
    case .named(let name): .known(name)
    }
  }
}
