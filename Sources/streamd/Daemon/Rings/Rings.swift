import AppRings
import AudioCore
import Control
import Wiring

/// The rings that applications share with the daemon, each for as long as the connection that opened it. What a graph plays
/// from or records into, it takes from here.
@ControlActor
final class Rings {
  /// One ring and whose it is.
  final class Entry {
    let identifier: String
    let name: String
    let ring: SharedRing
    let isBrought: Bool
    let owner: Int
    let pid: Int32
    /// Troubles that the log has told already.
    var told: Set<String> = []

    init(_ identifier: String, _ request: RingRequest, _ ring: SharedRing, owner: ClientSession) {
      self.identifier = identifier
      name = request.name
      isBrought = request.bringsMemory
      self.ring = ring
      self.owner = owner.id
      pid = owner.pid
    }
  }

  /// A ring that was closed stays in memory while a graph holds its end.
  private struct Remains {
    weak var ring: SharedRing?
  }

  struct Limits {
    var ringsPerClient = 16
    var rings = 64
    var bytesPerClient = 32 << 20
    var bytes = 128 << 20
  }

  let limits = Limits()
  private var entries: [Entry] = []
  /// The same rings by their names, for whoever plays them too.
  private nonisolated let directory = RingDirectory()
  private var remains: [Remains] = []
  private var lastRing = 0
  /// Clients whose end is being waited for.
  private var owners: Set<Int> = []
  private let thread = RingBellThread()
  private let tell: (_ text: String, _ isTrouble: Bool) -> Void

  init(tell: @escaping (_ text: String, _ isTrouble: Bool) -> Void) { self.tell = tell }

  /// The descriptors that are the client's.
  func open(_ request: RingRequest, for client: ClientSession) throws(ControlError) -> (Entry, SharedRing.Descriptors) {
    if !request.name.isEmpty, entries.contains(where: { $0.name == request.name }) {
      throw ControlError(.conflict, "a ring is named \"\(request.name)\" already", path: "name")
    }
    try check(request.format, for: client)
    let memory = request.bringsMemory ? client.takeDescriptor() : nil
    if request.bringsMemory, memory == nil {
      throw ControlError(
        .badArgs, "no descriptor came with the request", path: "memfd", hint: "send it with the request's first byte")
    }
    let opened: (ring: SharedRing, descriptors: SharedRing.Descriptors)
    do {
      try thread.start()
      opened = try SharedRing.open(request.format, bells: thread.bells, adopting: memory?.numbers[0])
    } catch let error as RingError {
      throw error.controlError
    } catch {
      throw ControlError(.unavailable, "\(error)")
    }
    lastRing += 1
    let entry = Entry("r\(lastRing)", request, opened.ring, owner: client)
    entries.append(entry)
    directory.add(entry.ring, identifier: entry.identifier, name: entry.name)
    if owners.insert(client.id).inserted {
      client.onClose { [weak self, id = client.id] in self?.abandon(id) }
    }
    return (entry, opened.descriptors)
  }

  private func check(_ format: RingFormat, for client: ClientSession) throws(ControlError) {
    remains.removeAll { $0.ring == nil }
    let own = entries.filter { $0.owner == client.id }
    let bytes = (entries.map(\.ring) + remains.compactMap(\.ring)).reduce(0) { $0 + $1.format.bytes }
    let ownBytes = own.reduce(0) { $0 + $1.ring.format.bytes }
    guard own.count < limits.ringsPerClient, entries.count < limits.rings else {
      throw ControlError(
        .busy, "this client has \(own.count) rings, there are \(entries.count)",
        hint: "at most \(limits.ringsPerClient) for a client and \(limits.rings) together")
    }
    guard ownBytes + format.bytes <= limits.bytesPerClient, bytes + format.bytes <= limits.bytes else {
      throw ControlError(
        .busy, "the ring needs \(format.bytes) bytes; this client has \(ownBytes), all together \(bytes)",
        path: "frames",
        hint: "at most \(limits.bytesPerClient) for a client and \(limits.bytes) together")
    }
  }

  /// By identifier or name.
  func entry(_ name: String) throws(ControlError) -> Entry {
    if let ring = directory.ring(name), let found = entries.first(where: { $0.ring === ring }) { return found }
    throw ControlError(.notFound, "no ring \"\(name)\"", path: "ring", hint: "ring.list")
  }

  /// A graph that holds the ring's end hears silence from now on.
  func close(_ entry: Entry) {
    guard entries.contains(where: { $0 === entry }) else { return }
    entries.removeAll { $0 === entry }
    directory.remove(entry.ring)
    entry.ring.close()
    if entry.ring.isInUse { remains.append(Remains(ring: entry.ring)) }
  }

  private func abandon(_ client: Int) {
    owners.remove(client)
    for entry in entries where entry.owner == client { close(entry) }
  }

  var all: [Entry] { entries }

  /// Twice a second: what is wrong with a ring is told once.
  func tick() {
    for entry in entries {
      let facts = entry.ring.facts(takingPeak: false)
      let troubles = facts.faults.map(\.fault.rawValue) + (facts.isTampered ? ["bell_blocking"] : [])
      for trouble in troubles where entry.told.insert(trouble).inserted {
        tell("ring \(entry.identifier) of process \(entry.pid): \(trouble)", true)
      }
    }
  }

  func shutdown() {
    for entry in entries { close(entry) }
    thread.stop()
  }
}

extension Rings: RingAccess {
  nonisolated func ring(_ name: String) -> SharedRing? { directory.ring(name) }
}

extension RingError {
  var controlError: ControlError {
    switch code {
    case .channels, .rate, .low, .high: ControlError(.badArgs, message, path: code.rawValue)
    case .capacity: ControlError(.badArgs, message, path: "frames")
    case .notMemory, .notSealed, .writeSealed, .tooSmall:
      ControlError(.badArgs, "\(code.rawValue): \(message)", path: "memfd")
    case .memory, .descriptors: ControlError(.unavailable, message)
    }
  }
}
