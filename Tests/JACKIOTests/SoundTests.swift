import AudioCore
import AudioIO
import CRenderGuard
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import JACKIO

/// What is played arrives, sample for sample, whatever becomes of the period.
@Suite(.serialized) struct SoundTests {
  @Test(arguments: [48_000, 44_100]) func everySampleArrives(rate: Int) throws {
    let server = try PrivateJACK(rate: rate, period: 256)
    let hits = render_guard_hits()
    let recorder = try PortRig(server.name, role: .capture(source: nil), name: "recorder", rate: rate)
    #expect(recorder.run(cycles: 4), "\(recorder.states)")
    let player = try PortRig(server.name, role: .playback(to: .named("recorder")), name: "player", rate: rate)
    #expect(player.run(cycles: 50), "\(player.states)")
    #expect(player.states.last == .running(device: "recorder"))
    #expect(try server.connections(of: "player:output_FR") == ["recorder:input_FR"])
    #expect(try server.connections(of: "recorder:input_FL") == ["system:capture_1", "player:output_FL"])
    let periods = [64, 1024, 512, 128]
    for period in periods {
      let breaks = player.client.breaks.load(ordering: .relaxed)
      #expect(try server.run(["jack_bufsize", "\(period)"]).status == 0)
      #expect(player.run(cycles: 30) && recorder.run(cycles: 5))
      #expect(player.stream.report.quantum == period)
      #expect(player.client.breaks.load(ordering: .relaxed) > breaks, "a driver that was stopped is a break")
    }
    player.stream.stop()
    recorder.stream.stop()
    #expect(render_guard_hits() == hits)
    #expect(try compare(player, recorder) > 10_000)
    // No block is of another length than was said before.
    for client in [player.client, recorder.client] {
      #expect(client.heard.allSatisfy { $0.frames == $0.quantum })
      let lengths = client.heard.map(\.frames)
      let changes = zip(lengths, lengths.dropFirst()).filter { $0 != $1 }.map(\.1)
      #expect(changes == periods)
      for (before, piece) in zip(client.heard, client.heard.dropFirst()) where before.frames != piece.frames {
        #expect(piece.isBroken)
      }
    }
    #expect(player.stream.report.graphRate == rate)
    #expect(player.events.first == .format(StreamFormat(rate: SampleRate(hertz: rate), layout: .stereo)))
  }

  /// The server's rate is not the stream's: what leaves at one arrives at it.
  @Test(arguments: [44_100, 96_000]) func toneSurvivesAnotherRate(rate: Int) throws {
    let server = try PrivateJACK(rate: rate, period: 256)
    let hits = render_guard_hits()
    let recorder = try PortRig(server.name, role: .capture(source: nil), name: "recorder", layout: .mono)
    #expect(recorder.run(cycles: 4), "\(recorder.states)")
    let player = try PortRig(server.name, role: .playback(to: .named("recorder")), layout: .mono, tone: true)
    #expect(player.run(cycles: 60))
    #expect(try server.run(["jack_bufsize", "512"]).status == 0)
    #expect(player.run(cycles: 100))
    #expect(player.stream.report.quantum == (512 * 48_000 + rate / 2) / rate)
    #expect(player.stream.report.graphRate == rate)
    player.stream.stop()
    recorder.stream.stop()
    #expect(render_guard_hits() == hits)
    #expect(player.client.faults == [0, 0] && recorder.client.faults == [0, 0])
    let verdict = try #require(ToneVerdict(bestOf: recorder.client.recorded, frequency: PositionClient.tone))
    #expect(abs(verdict.level + 6.0206) < 0.005 && verdict.residual < -105, "\(verdict)")
  }

  @Test func physicalPortsAreTheDefault() throws {
    let server = try PrivateJACK()
    let rig = try PortRig(server.name, layout: nil)
    #expect(rig.run(cycles: 20), "\(rig.states)")
    #expect(rig.states.last == .running(device: "system"))
    #expect(try server.connections(of: "rig:output_FL") == ["system:playback_1"])
    #expect(try server.connections(of: "rig:output_FR") == ["system:playback_2"])
    let report = rig.stream.report
    #expect(report.terms == "server \"\(server.name)\", 2 of 2 ports, 48000 Hz")
    #expect(["other", "unknown"].contains(report.scheduling) || report.scheduling.hasPrefix("fifo"))
    // Two of one name are two clients.
    let second = try PortRig(server.name)
    #expect(second.run(cycles: 5))
    #expect(try server.connections(of: "rig-01:output_FL") == ["system:playback_1"])
  }
}
