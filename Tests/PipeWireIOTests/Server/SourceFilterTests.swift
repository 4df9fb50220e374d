import AudioCore
import AudioIO
import TestSupport
import Testing

@testable import PipeWireIO

/// A capture that hears only some of what plays into its sink, while all of it is heard there.
@Suite(.serialized) struct SourceFilterTests {
  @Test func onlyChosenApplicationsAreHeard() throws {
    let rig = try AppStreamRig()
    let filter = SourceFilter { $0[.applicationName] == "pw-play" }
    let (tape, stream) = try rig.capture(
      .streams(of: .named(AppStreamRig.sink)), channels: 2, name: "streamd-game", filter: filter)
    let (all, monitor) = try rig.capture(.monitor(of: .named(AppStreamRig.sink)), channels: 2, name: "streamd-all")
    _ = try rig.play("pw-cat", channels: 2, first: 997)
    _ = try rig.play("pw-play", channels: 2, first: 1997)
    #expect(rig.hears(all, [997, 1997]))
    #expect(rig.hears(tape, [1997], without: [997]))
    // Everything minus one, live.
    filter.update { $0[.applicationName] != "pw-play" }
    #expect(rig.hears(tape, [997], without: [1997]))
    filter.update { _ in true }
    #expect(rig.hears(tape, [997, 1997]))
    filter.update { _ in false }
    #expect(rig.hears(tape, [], without: [997, 1997]))
    #expect(rig.hears(all, [997, 1997]))
    let report = stream.report
    #expect(report.unheard.isEmpty && report.unlikeCycles == 0)
    #expect(report.state == .running(device: AppStreamRig.sink))
    stream.stop()
    monitor.stop()
  }
}
