import AudioCore
import AudioIO
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import JACKIO

/// Servers and clients that go, come, stand still and hurry.
@Suite(.serialized) struct ServerTests {
  @Test func lostServerIsOneEventForEachAndAllComeBack() throws {
    let server = try PrivateJACK()
    let rigs = try (1...3).map { number in
      try PortRig(
        server.name, role: number == 3 ? .capture(source: nil) : .playback(to: .defaultSink), name: "rig\(number)")
    }
    for rig in rigs { #expect(rig.run(cycles: 10), "\(rig.states)") }
    for rate in [44_100, 48_000] {
      let before = rigs.map(\.states.count)
      server.kill()
      for rig in rigs { #expect(rig.waits(for: .serverUnavailable), "\(rig.states)") }
      let during = rigs.map(\.client.cycleCount)
      // Some attempts in vain.
      usleep(600_000)
      #expect(zip(rigs, before).allSatisfy { $0.states.count == $1 + 1 }, "\(rigs.map(\.states))")
      #expect(rigs.map(\.client.cycleCount) == during)
      try server.restart(rate: rate, period: rate == 44_100 ? 64 : 256)
      for rig in rigs {
        #expect(rig.run(cycles: 10), "\(rig.states)")
        #expect(rig.stream.report.graphRate == rate)
      }
    }
    for rig in rigs {
      rig.stream.stop()
      #expect(rig.client.faults == [0, 0])
      #expect(rig.states.last == .stopped)
      #expect(rig.events.filter { if case .format = $0 { true } else { false } }.count == 1)
    }
  }

  /// A server that says goodbye is as gone as one that was killed.
  @Test func endedServerIsLost() throws {
    let server = try PrivateJACK()
    let rig = try PortRig(server.name)
    #expect(rig.run(cycles: 10))
    server.stop()
    #expect(rig.waits(for: .serverUnavailable))
    rig.stream.stop()
    #expect(rig.states.count == 3, "\(rig.states)")
  }

  @Test func noServerIsWaitedForAndNoneIsStarted() throws {
    let rig = try PortRig("streamd-test-nobody-\(getpid())")
    #expect(rig.waits(for: .serverUnavailable))
    usleep(300_000)
    #expect(rig.states.count == 1)
    #expect(try Child.run(["pgrep", "-f", "streamd-test-nobody-\(getpid())"]).standardOutput == "")
    rig.stream.stop()
    for name in ["", "a/b", String(repeating: "x", count: 300)] {
      let rig = try PortRig(name)
      #expect(rig.waits(for: .serverUnavailable))
    }
  }

  /// The library keeps one server's memory: a second server is refused, not mixed up.
  @Test func oneServerAtATime() throws {
    let server = try PrivateJACK()
    let other = try PrivateJACK()
    let rig = try PortRig(server.name)
    #expect(rig.run(cycles: 5))
    let second = try PortRig(other.name)
    #expect(second.waits(for: .deviceBusy), "\(second.states)")
    #expect(rig.run(cycles: 5))
    rig.stream.stop()
    #expect(second.run(cycles: 5), "\(second.states)")
    #expect(rig.client.faults == [0, 0])
  }

  @Test func namedClientIsWaitedForWheneverItGoes() throws {
    let server = try PrivateJACK()
    let rig = try PortRig(server.name, role: .playback(to: .named("listener")))
    #expect(rig.waits(for: .sinkNotFound), "\(rig.states)")
    usleep(100_000)
    #expect(rig.client.cycleCount == 0)
    #expect(try server.connections(of: "rig:output_FL") == [])
    for _ in 0..<2 {
      let listener = try PortRig(server.name, role: .capture(source: nil), name: "listener")
      #expect(rig.run(cycles: 5), "\(rig.states)")
      #expect(try server.connections(of: "rig:output_FL") == ["listener:input_FL"])
      #expect(try server.connections(of: "rig:output_FR") == ["listener:input_FR"])
      listener.stream.stop()
      #expect(rig.waits(for: .sinkNotFound), "\(rig.states)")
      let count = rig.client.cycleCount
      usleep(100_000)
      #expect(rig.client.cycleCount == count)
    }
    #expect(rig.states.count == 5, "\(rig.states)")
    let deaf = try PortRig(server.name, name: "deaf")
    #expect(deaf.run(cycles: 5))
    let speaker = try PortRig(server.name, role: .playback(to: .named("deaf")))
    #expect(speaker.waits(for: .notASink), "\(speaker.states)")
  }

  /// A patch bay's owner has the last word.
  @Test func whatIsDisconnectedStaysSo() throws {
    let server = try PrivateJACK()
    let rig = try PortRig(server.name)
    #expect(rig.run(cycles: 5))
    try server.run(["jack_disconnect", "rig:output_FL", "system:playback_1"])
    #expect(rig.run(cycles: 20))
    #expect(try server.connections(of: "rig:output_FL") == [])
    try server.run(["jack_disconnect", "rig:output_FR", "system:playback_2"])
    #expect(rig.waits(for: .noPorts))
    let count = rig.client.cycleCount
    usleep(100_000)
    #expect(rig.client.cycleCount == count)
    try server.run(["jack_connect", "rig:output_FR", "system:playback_1"])
    #expect(rig.run(cycles: 5), "\(rig.states)")
    #expect(try server.connections(of: "rig:output_FL") == [])
    #expect(rig.client.faults == [0, 0])
  }

  @Test func latenessIsCountedAndFlagged() throws {
    let server = try PrivateJACK(period: 64)
    let rig = try PortRig(server.name)
    #expect(rig.run(cycles: 20))
    let xruns = rig.stream.report.xruns
    let breaks = rig.client.breaks.load(ordering: .relaxed)
    rig.client.delay.store(20_000, ordering: .relaxed)
    #expect(waitUntil(timeout: 10) { rig.stream.report.xruns > xruns })
    #expect(rig.run(cycles: 20))
    #expect(rig.client.breaks.load(ordering: .relaxed) > breaks)
    #expect(rig.client.faults == [0, 0])
  }

  /// The server lets go of its physical ports and has everybody else run as fast as they can; then all is as before.
  @Test func freewheelingIsNoted() throws {
    let server = try PrivateJACK(period: 1024)
    let recorder = try PortRig(server.name, role: .capture(source: nil), name: "recorder")
    #expect(recorder.run(cycles: 2))
    let player = try PortRig(server.name, role: .playback(to: .named("recorder")))
    let plain = try PortRig(server.name, name: "plain")
    #expect(player.run(cycles: 5) && plain.run(cycles: 5))
    #expect(try server.run(["jack_freewheel", "y"]).status == 0)
    #expect(plain.waits(for: .noPorts), "\(plain.states)")
    #expect(player.stream.report.terms?.hasSuffix(", freewheeling") == true)
    #expect(player.run(cycles: 200) && recorder.run(cycles: 5))
    #expect(try server.run(["jack_freewheel", "n"]).status == 0)
    #expect(plain.run(cycles: 5), "\(plain.states)")
    #expect(plain.states.count == 3)
    #expect(player.stream.report.terms?.hasSuffix(" Hz") == true)
    #expect(player.run(cycles: 5))
    player.stream.stop()
    recorder.stream.stop()
    #expect(try compare(player, recorder) > 200_000)
  }

  /// Leaving while the server goes: the library's threads must not take its locks with them.
  @Test func leavingADyingServerEnds() throws {
    let server = try PrivateJACK()
    for _ in 0..<2 {
      let rigs = try (1...4).map {
        try PortRig(server.name, role: $0 > 2 ? .capture(source: nil) : .playback(to: .defaultSink), name: "rig\($0)")
      }
      #expect(rigs.allSatisfy { $0.run(cycles: 2) })
      server.signal(SIGKILL)
      for rig in rigs { rig.stream.stop() }
      #expect(rigs.allSatisfy { $0.states.last == .stopped && $0.client.faults == [0, 0] })
      try server.restart()
    }
  }

  /// A frozen server breaks no connection; it only stops calling.
  @Test func frozenServerIsNoticedAndContinues() throws {
    let server = try PrivateJACK()
    let rig = try PortRig(server.name)
    #expect(rig.run(cycles: 10))
    server.signal(SIGSTOP)
    #expect(rig.waits(for: .deviceLost), "\(rig.states)")
    server.signal(SIGCONT)
    #expect(rig.run(cycles: 10), "\(rig.states)")
    #expect(rig.states.count == 3)
    #expect(rig.client.faults == [0, 0])
  }
}
