public import AudioCore
public import AudioIO
import Glibc
public import Leases

/// Leases on where applications' streams play and how loud: each change is in the ledger before the server hears of it, and
/// goes back when it is given up, whoever is left to do that. What the user chooses meanwhile stays.
///
/// A stream that has ended has nothing to go back to, and so has one of a server that has ended.
///
/// Thread: control.
public final class AppStreamLease {
  public let book: any AppStreamBook
  private let file: LeaseFile
  private let owner: ProcessIdentity
  /// Leases of this server in the ledger that nobody needs any more, as far as the last look told.
  public private(set) var unfinished: Int

  /// What was asked for one stream.
  public struct Wish: Sendable, Equatable {
    public var stream: AppStream.ID
    /// The sink to play into; nil leaves this alone.
    public var sink: String?
    /// A factor for each volume; nil leaves them alone.
    public var volumes: [Float]?

    public init(_ stream: AppStream.ID, sink: String? = nil, volumes: [Float]? = nil) {
      self.stream = stream
      self.sink = sink
      self.volumes = volumes
    }
  }

  public struct Refusal: Sendable, Equatable {
    public var stream: AppStream.ID
    public var error: BackendError
  }

  /// `file` is a passing one: `LeaseFile.standard(.passing)`.
  public init(book: any AppStreamBook, file: LeaseFile, owner: ProcessIdentity = .current) {
    self.book = book
    self.file = file
    self.owner = owner
    unfinished = file.exists ? 1 : 0
  }

  /// Carries out what can be, all with one look at the ledger, and says what could not: a stream may end at any time.
  public func make(_ wishes: [Wish]) throws(LeaseError) -> [Refusal] {
    guard !wishes.isEmpty else { return [] }
    guard let world = World(book) else {
      throw LeaseError(.valueUnknown, "no server with a session manager answers, so no stream is changed")
    }
    return try file.locked { held throws(LeaseError) in
      var refusals: [Refusal] = []
      var ledger = held.ledger
      var changes: [LeasePlan.Change] = []
      for wish in wishes {
        do throws(BackendError) {
          for (key, value) in try world.values(of: wish) {
            let decision = try take(key, value, in: ledger, world)
            ledger = decision.ledger
            changes += decision.changes
          }
        } catch {
          refusals.append(Refusal(stream: wish.stream, error: error))
        }
      }
      try held.keep(ledger)
      for change in changes {
        guard let key = AppStreamKey(name: change.key.name) else { continue }
        if let error = apply(change, key) { refusals.append(Refusal(stream: key.stream, error: error)) }
      }
      return refusals
    }
  }

  /// Gives back where streams play, how loud they are, or both: at once where the server answers, else through `step`,
  /// which also tells what has become of it.
  public func release(routesOf routed: [AppStream.ID] = [], volumesOf levelled: [AppStream.ID] = []) throws(LeaseError)
  {
    guard !routed.isEmpty || !levelled.isEmpty else { return }
    let (routed, levelled) = (Set(routed), Set(levelled))
    try release { ($0.aspect == .target ? routed : levelled).contains($0.stream) }
  }

  /// Gives back everything.
  public func releaseAll() throws(LeaseError) {
    if file.exists { try release { _ in true } }
  }

  /// Goes on undoing what nobody needs. To be called twice a second or oftener; costs nothing when there is nothing to do.
  public func step() throws(LeaseError) -> [LeaseNote] {
    guard unfinished > 0 else { return [] }
    guard file.exists else {
      unfinished = 0
      return []
    }
    guard let world = World(book) else { return [] }
    return try file.locked { held throws(LeaseError) in try settle(&held, world) }
  }

  /// Goes on undoing for as long as `patience`, for a process that ends. Waits for the server.
  public func finish(within patience: HostDuration) throws(LeaseError) -> [LeaseNote] {
    var notes: [LeaseNote] = []
    let end = renderNow() + patience
    while unfinished > 0, renderNow() < end {
      notes += try step()
      if unfinished > 0 { usleep(10_000) }
    }
    return notes
  }

  // MARK: Carrying out

  private func take(_ key: AppStreamKey, _ value: String, in ledger: LeaseLedger, _ world: World)
    throws(BackendError) -> LeasePlan.Decision
  {
    let leaseKey = LeaseKey(place: book.place, name: key.name)
    do throws(LeaseError) {
      return try LeasePlan.advance(
        leaseKey, to: value, for: owner, in: ledger, current: world.value(leaseKey, in: ledger), isAlive: \.isAlive)
    } catch {
      throw BackendError(error.code == .full ? .tooMany : .starting, error.message, hint: error.hint)
    }
  }

  private func release(_ isMeant: (AppStreamKey) -> Bool) throws(LeaseError) {
    let world = World(book)
    try file.locked { held throws(LeaseError) in
      var ledger = held.ledger
      var changes: [(LeasePlan.Change, AppStreamKey)] = []
      for key in Set(ledger.leases.lazy.filter { $0.owner == self.owner }.map(\.key)) {
        guard key.place == book.place, let own = AppStreamKey(name: key.name), isMeant(own) else { continue }
        let current = world?.value(key, in: ledger) ?? .unknown
        let decision = LeasePlan.release(key, of: owner, in: ledger, current: current)
        ledger = decision.ledger
        changes += decision.changes.map { ($0, own) }
        unfinished += 1
      }
      try held.keep(ledger)
      for (change, key) in changes { _ = apply(change, key) }
    }
  }

  private func settle(_ held: inout LeaseFile.Held, _ world: World) throws(LeaseError) -> [LeaseNote] {
    let ledger = LeasePlan.folded(
      held.ledger, current: { [ledger = held.ledger] in world.value($0, in: ledger) }, isAlive: \.isAlive)
    let decision = LeasePlan.settle(ledger, current: { world.value($0, in: ledger) }, isAlive: \.isAlive)
    try held.keep(decision.ledger)
    unfinished = decision.ledger.leases.count { $0.key.place == book.place && !($0.owner?.isAlive ?? false) }
    for change in decision.changes {
      guard let key = AppStreamKey(name: change.key.name) else { continue }
      _ = apply(change, key)
    }
    // Of what has ended there is nothing to tell.
    let notes = decision.notes.filter { note in
      switch note {
      case .undone(let lease), .newerChoice(let lease, _): world.isThere(lease.key)
      case .handedOn: false
      case .adopted, .alreadySo, .setAside: true
      }
    }
    return (held.setAside.map { [$0] } ?? []) + notes
  }

  private func apply(_ change: LeasePlan.Change, _ key: AppStreamKey) -> BackendError? {
    do throws(BackendError) {
      switch key.aspect {
      case .target: try book.setTarget(key.stream, object: change.value)
      case .volumes:
        guard let volumes = change.value.flatMap(AppStreamKey.volumes) else { return nil }
        try book.setVolumes(key.stream, volumes)
      }
      return nil
    } catch {
      return error
    }
  }

  /// The streams as they are at one moment.
  private struct World {
    let place: String
    let instance: String
    let streams: [AppStream.ID: AppStream]
    let sinks: [SinkFacts]

    /// Nil while that cannot be told.
    init?(_ book: any AppStreamBook) {
      guard book.isReady, let instance = book.instance, let streams = book.streams else { return nil }
      place = book.place
      self.instance = instance
      self.streams = Dictionary(streams.map { ($0.id, $0) }) { first, _ in first }
      sinks = book.sinks
    }

    func values(of wish: Wish) throws(BackendError) -> [(AppStreamKey, String)] {
      guard let stream = streams[wish.stream] else {
        throw BackendError(.streamGone, "stream \(wish.stream) has ended")
      }
      var values: [(AppStreamKey, String)] = []
      if let sink = wish.sink {
        guard stream.isRoutable else {
          throw BackendError(.streamFixed, "\(stream.displayName) is not to be moved")
        }
        // What reads as a number is taken for one.
        let isNumber = Int(sink) != nil
        let value = isNumber ? sinks.first { $0.name == sink }.map { "\($0.serial)" } ?? sink : sink
        values.append((AppStreamKey(instance: instance, stream: wish.stream, aspect: .target), value))
      }
      if let volumes = wish.volumes {
        guard volumes.count == stream.volumes.count, !volumes.isEmpty else {
          throw BackendError(
            .badLevel, "\(stream.displayName) has \(stream.volumes.count) volumes, not \(volumes.count)")
        }
        values.append(
          (AppStreamKey(instance: instance, stream: wish.stream, aspect: .volumes), AppStreamKey.text(volumes)))
      }
      return values
    }

    func isThere(_ key: LeaseKey) -> Bool {
      AppStreamKey(name: key.name).map { $0.instance == instance && streams[$0.stream] != nil } ?? false
    }

    func value(_ key: LeaseKey, in ledger: LeaseLedger) -> LeasedValue {
      guard key.place == place, let own = AppStreamKey(name: key.name) else { return .unknown }
      guard own.instance == instance, let stream = streams[own.stream] else { return .known(nil) }
      let leases = ledger.leases.filter { $0.key == key }
      return own.value(of: stream, known: leases.map(\.new) + leases.compactMap(\.old))
    }
  }
}

/// Undoes what ended processes have left of applications' streams. Thread: control; it waits.
public func undoStaleLeases(
  on book: any AppStreamBook, file: LeaseFile, timeout: HostDuration
) throws(LeaseError) -> StaleLeases {
  var found = StaleLeases()
  guard file.exists else { return found }
  let lease = AppStreamLease(book: book, file: file)
  found.notes = try lease.finish(within: timeout)
  let ledger = try file.locked { held throws(LeaseError) in held.ledger }
  found.left = ledger.leases.count { $0.key.place == book.place && !($0.owner?.isAlive ?? false) }
  found.others = ledger.leases.count - found.left
  return found
}
