import AudioCore
import AudioIO
import Glibc
import Synchronization
import TestSupport

@testable import PipeWireIO

/// Programs that play, and what the book says of them.
final class AppStreamRig {
  let server: PrivatePipeWire
  let backend: PipeWireBackend
  let changes = ChangeLog()
  private let directory: TemporaryDirectory
  private var players: [Child] = []
  static let sink = PrivatePipeWire.sinkName
  static let other = "other"

  var book: any AppStreamBook { backend.appStreams }

  init(otherChannels: Int = 2, quantum: Int = 256) throws {
    server = try PrivatePipeWire.start(sinkChannels: 2)
    try server.setQuantum(quantum)
    try server.createSink(Self.other, channels: otherChannels)
    directory = try TemporaryDirectory()
    backend = try PipeWireBackend(remote: server.remote)
    let changes = changes
    book.observe { changes.add($0) }
    let book = book
    guard waitUntil(timeout: 10, { book.streams != nil && book.sinks.count == 2 }) else {
      throw SupportError("no listing: \(changes.all)")
    }
  }

  deinit {
    book.observe(nil)
    for player in players { player.stop() }
    server.stop()
  }

  /// Plays steady tones with `pw-cat` or, under its own name, `pw-play`; returns once it runs.
  func play(_ program: String = "pw-cat", channels: Int, first: Double? = nil) throws -> AppStream {
    let file = directory.path + "/\(program)-\(channels).wav"
    var tone = TestTone(channels: channels)
    if let first { tone.frequencies[0] = first }
    try tone.write(to: file, seconds: 60)
    let map = channels == 1 ? ["MONO"] : Array(["FL", "FR", "FC", "LFE", "RL", "RR"].prefix(channels))
    let known = Set((book.streams ?? []).map(\.id))
    // WirePlumber 0.4 may overlook a player that comes while it is busy.
    for _ in 0..<4 {
      let player = try server.start([program, "--playback", "--channel-map", map.joined(separator: ","), file])
      var found: AppStream?
      let isThere = waitUntil(timeout: 3) {
        found = book.streams?.first {
          !known.contains($0.id) && $0[.applicationName] == program && $0.state == .running && !$0.sinks.isEmpty
            && !$0.volumes.isEmpty
        }
        return found != nil
      }
      if isThere, let found {
        players.append(player)
        return found
      }
      player.stop()
    }
    throw SupportError("\(program) does not play: \(String(describing: book.streams))")
  }

  func stopPlayers() {
    for player in players { player.stop() }
    players = []
  }

  func stream(_ id: AppStream.ID) -> AppStream? { book.streams?.first { $0.id == id } }

  func isPlayed(_ id: AppStream.ID, by sink: String) -> Bool {
    waitUntil(timeout: 10) { stream(id)?.sinks == [sink] && stream(id)?.state == .running }
  }

  func capture(_ role: StreamRole, channels: Int, name: String, filter: SourceFilter? = nil) throws -> (
    CycleTape, any AudioStream
  ) {
    let tape = CycleTape(channels: channels)
    let stream = try backend.open(
      StreamRequest(role: role, name: name, description: name, filter: filter), client: tape, events: { _ in })
    try stream.start()
    guard waitUntil(timeout: 10, { if case .running = stream.report.state { true } else { false } }) else {
      throw SupportError("\(name): \(stream.report)")
    }
    return (tape, stream)
  }

  /// Whether the first channel of what is recorded from now on comes to have these tones and not those.
  func hears(_ tape: CycleTape, _ wanted: [Double], without unwanted: [Double] = []) -> Bool {
    _ = tape.take()
    var recent: [Float] = []
    return waitUntil(timeout: 6) {
      for cycle in tape.take() { recent += cycle.samples.prefix(cycle.frames) }
      recent = Array(recent.suffix(9600))
      guard recent.count == 9600 else { return false }
      let level = { (frequency: Double) in ToneAnalysis.level(of: frequency, in: recent, rate: 48_000) }
      return wanted.allSatisfy { level($0) > -40 } && unwanted.allSatisfy { level($0) < -80 }
    }
  }
}

/// What a book has told.
final class ChangeLog: Sendable {
  private let kept = Mutex<[AppStreamChange]>([])

  func add(_ change: AppStreamChange) { kept.withLock { $0.append(change) } }
  var all: [AppStreamChange] { kept.withLock { $0 } }
}
