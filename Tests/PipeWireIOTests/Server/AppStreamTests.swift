import AudioCore
import AudioIO
import Glibc
import TestSupport
import Testing

@testable import PipeWireIO

/// Applications' streams on a real server: listed, moved and made quieter.
@Suite(.serialized) struct AppStreamTests {
  @Test func streamsAreListedWithWhatTheySay() throws {
    let rig = try AppStreamRig()
    let stream = try rig.play(channels: 2)
    #expect(stream.isComplete && stream.isRoutable && !stream.isOurs)
    #expect(stream[.binary] == "pw-cat" && stream[.nodeName] == "pw-cat" && stream[.mediaRole] == "Music")
    #expect(stream[.processID].flatMap { Int32($0) }.map { kill($0, 0) } == 0)
    #expect(stream.volumes == [1, 1] && !stream.isMuted && stream.channels == ["FL", "FR"])
    #expect(stream.sinks == [AppStreamRig.sink] && stream.target == AppStream.Target())
    #expect(rig.book.links(of: stream.id).map(\.output) == ["FL", "FR"])
    let sinks = rig.book.sinks
    #expect(sinks.map(\.name) == [AppStreamRig.sink, AppStreamRig.other] && sinks.map(\.isDefault) == [true, false])
    #expect(sinks.allSatisfy { $0.channels == ["FL", "FR"] && !$0.isOurs })
    #expect(sinks.first?.rate?.hertz == 48_000)
    // A player of this process.
    let connection = try PipeWireConnection(remote: rig.server.remote) { _ in }
    try #require(waitUntil(timeout: 10) { connection.locked { connection.isManaged } })
    let own = NoisePlayer(connection, number: 1, channels: 2, to: AppStreamRig.sink)
    let ours = { rig.book.streams?.first { $0[.nodeName] == "player-1" } }
    try #require(waitUntil(timeout: 10) { ours()?.isComplete == true })
    let mine = try #require(ours())
    #expect(mine.isOurs && !mine.isRoutable)
    #expect(throws: BackendError.self) { try rig.book.route(mine.id, to: AppStreamRig.other) }
    own.leave()
    rig.stopPlayers()
    #expect(waitUntil(timeout: 10) { rig.book.streams == [] })
    #expect(throws: BackendError.self) { try rig.book.route(stream.id, to: AppStreamRig.other) }
    let told = rig.changes.all
    #expect(told.contains { $0.added.contains { $0.id == stream.id } } && told.last?.removed.isEmpty == false)
  }

  /// There and back, by links and by sound, with a tap and a capture of ours linked beside all the while.
  @Test(arguments: Breadth.of([(1, 2), (1, 6), (2, 2), (2, 6), (6, 2), (6, 6)], brief: [(1, 2), (2, 6), (6, 6)]))
  func playingStreamMovesAndReturns(channels: Int, other: Int) throws {
    let rig = try AppStreamRig(otherChannels: other)
    let pid = try #require(rig.server.pid(of: .pipewire))
    let (here, hereStream) = try rig.capture(.streams(of: .named(AppStreamRig.sink)), channels: 2, name: "streamd-here")
    let (there, thereStream) = try rig.capture(
      .monitor(of: .named(AppStreamRig.other)), channels: other, name: "streamd-there")
    let stream = try rig.play(channels: channels)
    let tap = try rig.book.tap(stream.id)
    #expect(rig.hears(here, [997]))
    for round in 0..<Breadth.rounds(short: 1, long: 50) {
      try rig.book.route(stream.id, to: AppStreamRig.other)
      #expect(rig.isPlayed(stream.id, by: AppStreamRig.other), "\(round): \(String(describing: rig.book.streams))")
      #expect(rig.hears(there, channels == 1 && other == 6 ? [] : [997]), "\(round)")
      #expect(rig.stream(stream.id)?.target.object == AppStreamRig.other)
      #expect(waitUntil(timeout: 5) { tap.drain().contains { $0.peaks[0] > 0.05 } }, "\(round)")
      try rig.book.route(stream.id, to: nil)
      #expect(rig.isPlayed(stream.id, by: AppStreamRig.sink), "\(round)")
      #expect(rig.hears(here, [997]), "\(round)")
      #expect(rig.stream(stream.id)?.target == AppStream.Target())
      try #require(rig.server.pid(of: .pipewire) == pid)
    }
    tap.stop()
    hereStream.stop()
    thereStream.stop()
  }

  /// A target that somebody else has written: it is what we go back to, and what we leave when it is newer.
  @Test func foreignTargetsAreRespected() throws {
    let rig = try AppStreamRig()
    let stream = try rig.play(channels: 2)
    let write = { (value: String) in
      _ = try rig.server.run(["pw-metadata", "\(stream.id.node)", "target.object", value])
    }
    try write(AppStreamRig.other)
    try #require(rig.isPlayed(stream.id, by: AppStreamRig.other))
    try rig.book.route(stream.id, to: AppStreamRig.sink)
    try #require(rig.isPlayed(stream.id, by: AppStreamRig.sink))
    try rig.book.route(stream.id, to: nil)
    #expect(rig.isPlayed(stream.id, by: AppStreamRig.other))
    #expect(rig.stream(stream.id)?.target.object == AppStreamRig.other)
    try rig.book.route(stream.id, to: AppStreamRig.sink)
    try #require(rig.isPlayed(stream.id, by: AppStreamRig.sink))
    try write("elsewhere")
    try #require(waitUntil(timeout: 10) { rig.stream(stream.id)?.target.object == "elsewhere" })
    try rig.book.route(stream.id, to: nil)
    usleep(50_000)
    #expect(rig.stream(stream.id)?.target.object == "elsewhere")
  }

  /// The session manager keeps each application's sink on disk, written a second after a change. What the user chose there
  /// is neither replaced by ours nor forgotten.
  @Test func whatTheUserChoseIsRemembered() throws {
    let rig = try AppStreamRig()
    let stream = try rig.play(channels: 2)
    let number = try #require(try rig.server.nodeIdentifier(AppStreamRig.other))
    let state = rig.server.environment["XDG_STATE_HOME"]! + "/wireplumber/restore-stream"
    let isRemembered = {
      (try? Child.run(["grep", "-q", "^Output/Audio:.*:target=\(AppStreamRig.other)$", state]).status) == 0
    }
    _ = try rig.server.run(["pw-metadata", "\(stream.id.node)", "target.node", number, "Spa:Id"])
    try #require(rig.isPlayed(stream.id, by: AppStreamRig.other))
    try #require(waitUntil(timeout: 10, isRemembered))
    try rig.book.route(stream.id, to: AppStreamRig.sink)
    #expect(rig.isPlayed(stream.id, by: AppStreamRig.sink))
    usleep(1_300_000)
    #expect(isRemembered())
    try rig.book.route(stream.id, to: nil)
    #expect(rig.isPlayed(stream.id, by: AppStreamRig.other))
    usleep(1_300_000)
    #expect(isRemembered())
  }

  /// As many volumes as the stream has channels, read back by the server's own tool.
  @Test func volumesAreThoseOfTheStream() throws {
    let rig = try AppStreamRig()
    for channels in [1, 2, 6] {
      try volumes(channels, rig)
      rig.stopPlayers()
    }
  }

  private func volumes(_ channels: Int, _ rig: AppStreamRig) throws {
    let stream = try rig.play(channels: channels)
    #expect(stream.volumes == [Float](repeating: 1, count: channels))
    let wanted = (0..<channels).map { 0.5 + Float($0) / 16 }
    try rig.book.setVolumes(stream.id, wanted)
    #expect(waitUntil(timeout: 10) { rig.stream(stream.id)?.volumes == wanted })
    #expect(waitUntil(timeout: 10) { (try? shown(stream, in: rig)) == wanted })
    for wrong in [[], [0.5] + wanted, wanted.map { _ in Float.nan }, wanted.map { -$0 }] {
      #expect(throws: BackendError.self) { try rig.book.setVolumes(stream.id, wrong) }
    }
    #expect(rig.stream(stream.id)?.volumes == wanted)
    // The session manager gives what it saw last to the next of its kind.
    try rig.book.setVolumes(stream.id, wanted.map { _ in 1 })
    #expect(waitUntil(timeout: 10) { rig.stream(stream.id)?.volumes == wanted.map { _ in 1 } })
  }

  private func shown(_ stream: AppStream, in rig: AppStreamRig) throws -> [Float] {
    let dump = try rig.server.run(["pw-dump", "\(stream.id.node)"]).standardOutput
    guard let start = dump.firstRange(of: "\"channelVolumes\":"),
      let open = dump[start.upperBound...].firstIndex(of: "["), let close = dump[open...].firstIndex(of: "]")
    else { return [] }
    return dump[dump.index(after: open)..<close].split(whereSeparator: { " ,\n".contains($0) }).compactMap { Float($0) }
  }

  /// Peak and mean square of each channel, whatever the quantum; nothing once nothing plays.
  @Test func tapMeasures() throws {
    let rig = try AppStreamRig(otherChannels: 6)
    try rig.server.setDefaultSink(AppStreamRig.other)
    try #require(waitUntil(timeout: 10) { rig.book.sinks.contains { $0.name == AppStreamRig.other && $0.isDefault } })
    for (channels, quantum) in [(1, 64), (2, 1024), (6, 256)] { try measure(channels, quantum, rig) }
  }

  private func measure(_ channels: Int, _ quantum: Int, _ rig: AppStreamRig) throws {
    try rig.server.setQuantum(quantum)
    let stream = try rig.play(channels: channels)
    let tap = try rig.book.tap(stream.id)
    defer { tap.stop() }
    var levels: [AppLevel] = []
    try #require(
      waitUntil(timeout: 10) {
        levels += tap.drain()
        return levels.suffix(20).count { $0.peaks[0] > 0.04 && $0.frames == quantum } == 20
      }, "\(channels) channels: \(levels.suffix(3)) \(String(describing: rig.book.streams))")
    let recent = levels.suffix(20)
    let ports = try #require(rig.stream(stream.id)?.channels)
    #expect(recent.allSatisfy { $0.channels == ports.count && $0.rate == 48_000 })
    // Tones of -20 dBFS on every channel; a mono one is shared out by the session manager.
    if ports.count == channels {
      for channel in 0..<channels where channel != 3 {
        let peak = recent.map { $0.peaks[channel] }.max() ?? 0
        #expect(abs(peak - 0.1) < 0.005, "\(channel) of \(channels): \(peak)")
        let energy = recent.map { $0.squares[channel] * Float($0.frames) }.reduce(0, +)
        let square = energy / Float(recent.reduce(0) { $0 + $1.frames })
        #expect(abs(square - 0.005) < 0.0005, "\(channel) of \(channels): \(square)")
      }
    }
    rig.stopPlayers()
    #expect(
      waitUntil(timeout: 10) {
        _ = tap.drain()
        usleep(60_000)
        return tap.drain().isEmpty
      }, "the graph still runs")
  }

  @Test func bookOutlivesTheServer() throws {
    let rig = try AppStreamRig()
    let stream = try rig.play(channels: 2)
    let instance = rig.book.instance
    rig.server.kill(.pipewire)
    #expect(waitUntil(timeout: 10) { rig.book.streams == nil && rig.changes.all.last?.isReady == false })
    #expect(rig.changes.all.contains { $0.removed == [stream.id] })
    #expect(throws: BackendError.self) { try rig.book.route(stream.id, to: AppStreamRig.other) }
    rig.stopPlayers()
    try rig.server.restartServer()
    try #require(waitUntil(timeout: 10) { rig.book.streams != nil && rig.changes.all.last?.isReady == true })
    #expect(rig.book.instance != instance && rig.book.instance != nil)
    try rig.server.createSink(AppStreamRig.other, channels: 2)
    let anew = try rig.play(channels: 2)
    try rig.book.route(anew.id, to: AppStreamRig.other)
    #expect(rig.isPlayed(anew.id, by: AppStreamRig.other))
  }
}
