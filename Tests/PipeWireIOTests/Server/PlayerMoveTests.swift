import AudioCore
import AudioIO
import Glibc
import TestSupport
import Testing

@testable import PipeWireIO

/// A player that a capture is linked beside is moved to a sink of other channels and back: the session manager gives it other
/// ports each time, which PipeWire 0.3 survives only if nobody else is linked to those it has.
@Suite(.serialized) struct PlayerMoveTests {
  enum Way: String, CaseIterable { case byDefault, byTarget, byOurselves }

  @Test(arguments: Way.allCases) func serverAndPlayerLiveOn(way: Way) throws {
    let server = try PrivatePipeWire.start(sinkChannels: 2)
    defer { server.stop() }
    let pid = try #require(server.pid(of: .pipewire))
    try server.setQuantum(256)
    try server.createSink("wide", channels: 6)
    let directory = try TemporaryDirectory()
    let file = directory.path + "/tone.wav"
    try TestTone(channels: 2).write(to: file, seconds: 60)
    let backend = try PipeWireBackend(remote: server.remote)
    let beside = CycleTape(channels: 6)
    let plain = CycleTape(channels: 2)
    let streams = [
      try backend.open(
        StreamRequest(role: .streams(of: .named("wide")), name: "streamd-beside", description: "beside"),
        client: beside, events: { _ in }),
      try backend.open(
        StreamRequest(
          role: .monitor(of: .named(PrivatePipeWire.sinkName)), name: "streamd-plain", description: "plain"),
        client: plain, events: { _ in }),
    ]
    for stream in streams { try stream.start() }
    defer { for stream in streams { stream.stop() } }
    var player = try server.start(["pw-cat", "--playback", file])
    defer { player.stop() }
    // WirePlumber 0.4 may overlook a player that comes while it is busy.
    for _ in 0..<4 where !hears(plain) {
      player.stop()
      player = try server.start(["pw-cat", "--playback", file])
    }
    try #require(hears(plain))
    let node = try #require(try server.nodeIdentifier("pw-cat"))
    for round in 0..<Breadth.rounds(short: 8, long: 100) {
      let (name, tape) = round % 2 == 0 ? ("wide", beside) : (PrivatePipeWire.sinkName, plain)
      switch way {
      case .byDefault: try server.setDefaultSink(name)
      case .byTarget: try server.run(["pw-metadata", node, "target.object", name])
      case .byOurselves: try #require(waitUntil(timeout: 10) { (try? backend.defaultSink.choose(name)) != nil })
      }
      // What is still on its way from before the move.
      usleep(100_000)
      let isHeard = hears(tape)
      try #require(server.pid(of: .pipewire) == pid, "\(way) round \(round)")
      try #require(isHeard, "\(way) round \(round): \((try? server.links()) ?? [])")
    }
  }

  private func hears(_ tape: CycleTape) -> Bool {
    _ = tape.take()
    return waitUntil(timeout: 3) { tape.take().contains { $0.samples.contains { abs($0) > 0.01 } } }
  }
}
