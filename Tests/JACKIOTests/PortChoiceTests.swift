import AudioCore
import Testing

@testable import JACKIO

/// Which ports carry which channels, and whether a server runs.
@Suite struct PortChoiceTests {
  private func links(_ layout: ChannelLayout, _ ports: [String], playback: Bool = true) -> [String] {
    PortChoice.links(layout, ports: ports, isPlayback: playback).map { "\(layout[$0.channel].name)>\($0.port)" }
  }

  @Test func numberedPortsAreTakenInOrder() {
    let ports = ["system:playback_1", "system:playback_2", "system:playback_3"]
    #expect(links(.stereo, ports) == ["FL>system:playback_1", "FR>system:playback_2"])
    #expect(
      links(.surround51, ports) == ["FL>system:playback_1", "FR>system:playback_2", "FC>system:playback_3"],
      "three are not heard")
    #expect(links(.mono, ports) == ["MONO>system:playback_1", "MONO>system:playback_2"])
    #expect(links(.mono, ["a:1", "a:2"], playback: false) == ["MONO>a:1"], "what is connected adds up")
  }

  @Test func oneOfTheirsServesTwoOfOurs() {
    #expect(links(.stereo, ["a:in"]) == ["FL>a:in", "FR>a:in"])
    #expect(links(.stereo, ["a:out"], playback: false) == ["FL>a:out", "FR>a:out"])
    #expect(links(.surround51, ["a:in"]) == ["FL>a:in"])
  }

  @Test func namedPositionsAreFollowed() {
    let ports = ["card:playback_FR", "card:playback_FL", "card:playback_LFE", "card:playback_FC"]
    #expect(links(.stereo, ports) == ["FL>card:playback_FL", "FR>card:playback_FR"])
    #expect(
      links(.surround51, ports) == [
        "FL>card:playback_FL", "FR>card:playback_FR", "FC>card:playback_FC", "LFE>card:playback_LFE",
      ])
    #expect(links(.mono, ports) == ["MONO>card:playback_FL", "MONO>card:playback_FR"])
    #expect(links(.mono, ports, playback: false) == ["MONO>card:playback_FL"])
    #expect(links(.mono, ["a:in_FL", "a:in_MONO"]) == ["MONO>a:in_MONO"])
    #expect(links(.stereo, ["a:input_FL", "a:input_FR", "a:input_FL"]).count == 2)
  }

  @Test func portsOfOneClientAreNotAnothers() {
    let all = ["system:a", "system-1:a", "system:b:c", "other:system:a"]
    #expect(PortChoice.ports(all, of: "system") == ["system:a", "system:b:c"])
    #expect(PortChoice.client(of: "system:b:c") == "system")
  }

  @Test func layoutIsTheLargestThatFits() {
    let sizes = [0, 1, 2, 5, 6, 7, 8, 32].map { PortChoice.layout(for: $0).count }
    #expect(sizes == [1, 1, 2, 2, 6, 6, 8, 8])
  }

  @Test func clientNamesAreWhatJACKTakes() {
    #expect(PortChoice.clientName("streamctl.test-tone", limit: 64) == "streamctl.test-tone")
    #expect(PortChoice.clientName("a:b\nc", limit: 64) == "a-b-c")
    #expect(PortChoice.clientName("", limit: 64) == "streamd")
    #expect(PortChoice.clientName(String(repeating: "ä", count: 100), limit: 64).utf8.count == 56)
  }

  @Test func standingStillIsNoticedAndForgotten() {
    let begun = HostTime(nanoseconds: 1_000_000_000)
    func after(_ milliseconds: Int64) -> HostTime { begun + .milliseconds(milliseconds) }
    var watch = CycleWatch(patience: .seconds(2), at: begun)
    #expect(watch.look(cycles: 0, hasMoved: false, at: after(100)) == .awaited)
    #expect(watch.look(cycles: 5, hasMoved: true, at: after(200)) == .moving)
    #expect(watch.look(cycles: 5, hasMoved: true, at: after(2100)) == .moving)
    #expect(watch.look(cycles: 5, hasMoved: true, at: after(2200)) == .stalled)
    #expect(watch.look(cycles: 5, hasMoved: false, at: after(2300)) == .stalled)
    #expect(watch.look(cycles: 6, hasMoved: true, at: after(9000)) == .moving)
    watch.rest(at: after(20_000))
    #expect(watch.look(cycles: 6, hasMoved: false, at: after(20_100)) == .awaited)
    #expect(watch.look(cycles: 6, hasMoved: false, at: after(22_000)) == .stalled, "it never began")
  }
}
