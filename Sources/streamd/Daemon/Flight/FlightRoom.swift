import AudioCore
import Control

/// Keeps the last seconds of each hop in memory while somebody wants that, also of sessions and microphones that open later.
@ControlActor
final class FlightRoom {
  struct Terms: Equatable {
    var seconds: Int
    /// Clients' voices, and our own source. Never without being asked for.
    var hasMicrophones: Bool
  }

  private struct Trouble {
    var text: String
    var again: HostTime
  }

  private(set) var terms: Terms?
  private unowned let daemon: Daemon
  private var hops: [FlightHop] = []
  /// Since when a hop is gone; what it sounded like is kept for as long as it would have been.
  private var gone: [String: HostTime] = [:]
  private var troubles: [String: Trouble] = [:]
  private var isBusy = false

  nonisolated static let longest = 600
  /// Each takes some 12 MB for half a minute of stereo.
  static let most = 24
  private static let patience = HostDuration.seconds(5)

  init(_ daemon: Daemon) { self.daemon = daemon }

  /// Answers when the hops there are now are kept, or have said why not. What is kept already goes on.
  func arm(_ wanted: Terms) async throws(ControlError) {
    let recordings = try daemon.requireRecordings()
    await alone(recordings) {
      // What more is wanted beside is no reason to forget what there is.
      if let terms, terms != wanted, terms.seconds != wanted.seconds || terms.hasMicrophones { await empty(recordings) }
      terms = wanted
      troubles = [:]
      await follow(recordings)
    }
  }

  /// The same from the start, without an answer.
  func begin(_ terms: Terms) { self.terms = terms }

  /// How many hops were kept.
  func disarm() async throws(ControlError) -> Int {
    let recordings = try daemon.requireRecordings()
    var count = 0
    await alone(recordings) {
      count = kept.count
      terms = nil
      await empty(recordings)
    }
    return count
  }

  /// One change after the other: each waits for devices.
  private func alone(_ recordings: Recordings, _ work: () async -> Void) async {
    while isBusy { await recordings.pause() }
    isBusy = true
    await work()
    isBusy = false
  }

  private var kept: [Recordings.Entry] {
    (daemon.recordings?.all ?? []).filter { $0.request.uri.hasPrefix(FlightHop.prefix) }
  }

  private func empty(_ recordings: Recordings) async {
    for entry in kept { _ = await recordings.stop(entry) }
    (hops, gone, troubles) = ([], [:], [:])
  }

  /// Twice a second.
  func tick() {
    guard terms != nil, !isBusy, let recordings = daemon.recordings, isBehind else { return }
    Task { @ControlActor in await alone(recordings) { await follow(recordings) } }
  }

  private var wanted: [FlightHop] {
    guard let terms else { return [] }
    return Array(FlightHop.all(in: daemon, hasMicrophones: terms.hasMicrophones).prefix(Self.most))
  }

  /// Something is to be started or ended.
  private var isBehind: Bool {
    let now = renderNow()
    let names = Set(kept.map(\.request.uri))
    let all = wanted
    if all.contains(where: { !names.contains($0.uri) && (troubles[$0.name]?.again ?? now) <= now }) { return true }
    return hops.contains { hop in !all.contains { $0.name == hop.name } }
  }

  private func follow(_ recordings: Recordings) async {
    guard let terms else { return }
    let all = wanted
    for hop in all {
      gone[hop.name] = nil
      if let place = hops.firstIndex(where: { $0.name == hop.name }) { hops[place] = hop } else { hops.append(hop) }
      guard recordings.entries[hop.uri] == nil, (troubles[hop.name]?.again ?? renderNow()) <= renderNow() else {
        continue
      }
      do throws(ControlError) {
        _ = try await recordings.start([RecordingRequest(hop, seconds: terms.seconds)])
        troubles[hop.name] = nil
      } catch {
        troubles[hop.name] = Trouble(text: error.message, again: renderNow() + Self.patience)
      }
    }
    for hop in hops where !all.contains(where: { $0.name == hop.name }) {
      let since = gone[hop.name] ?? renderNow()
      gone[hop.name] = since
      guard renderNow() - since > .seconds(Int64(terms.seconds)) else { continue }
      if let entry = recordings.entries[hop.uri] { _ = await recordings.stop(entry) }
      hops.removeAll { $0.name == hop.name }
      (gone[hop.name], troubles[hop.name]) = (nil, nil)
    }
  }

  func report() -> JSON {
    let found = hops.map { hop -> JSON in
      var facts: JSONObject = [
        "hop": .string(hop.name), "device": .string(hop.device), "fed_by": .array(hop.fedBy.map { .string($0) }),
        "is_there": .bool(gone[hop.name] == nil),
      ]
      if let entry = daemon.recordings?.entries[hop.uri] {
        facts["stream"] = .object(RecordingReport.of(entry))
        facts["stats"] = .object(RecordingReport.stats(entry))
      }
      if let trouble = troubles[hop.name] { facts["trouble"] = .string(trouble.text) }
      return .object(facts)
    }
    return [
      "armed": .bool(terms != nil), "seconds": terms.map { JSON($0.seconds) } ?? .null,
      "mic": terms.map { .bool($0.hasMicrophones) } ?? false, "hops": .array(found),
      "events": .array(
        daemon.bus.history.entries.map { ["at": JSON($0.at), "topic": .string($0.topic), "data": $0.data] }),
    ]
  }
}
