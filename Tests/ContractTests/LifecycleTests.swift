import ALSAIO
import AudioCore
import AudioIO
import Glibc
import JACKIO
import Synchronization
import TestSupport
import Testing

/// What every backend promises, over every backend.
@Suite(.serialized) struct LifecycleTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var candidate: Candidate
    var role: StreamRole

    var testDescription: String { "\(candidate.rawValue) \(role.kind.rawValue)" }
    var isCapture: Bool { role.kind == .monitor || role.kind == .streams }
    var isConnectedByOthers: Bool {
      candidate == .alsaPipeWire
        || candidate == .pipewire && [.capture, .virtualSink, .virtualSource, .playback].contains(role.kind)
    }
    var hasDeviceLayout: Bool { isCapture || role.kind == .feed }
    var layout: ChannelLayout? { hasDeviceLayout ? nil : .stereo }
    /// Whether it depends on a device that others may take away. A device of our own comes and goes with us.
    /// The private server's microphone stays.
    var hasDevice: Bool {
      switch candidate {
      case .offline, .alsaCard: true
      // Always there for whoever has opened them.
      case .alsaNull, .alsaFile: false
      // Goes and comes with its server.
      case .jack: false
      case .pipewire, .alsaPipeWire: ![.virtualSink, .virtualSource, .capture].contains(role.kind)
      }
    }
    /// A PCM has as many channels as its stream asks for.
    var deviceMayChange: Bool { hasDeviceLayout && !candidate.isALSA }
  }

  /// Of each sound system what differs most; what one role of PipeWire's does, all do.
  static let cases: [Case] =
    Breadth.isLong
    ? allCases
    : allCases.filter {
      switch $0.candidate {
      case .pipewire: [.monitor, .playback, .virtualSource, .feed].contains($0.role.kind)
      case .alsaFile: false
      case .alsaPipeWire: $0.role.kind == .playback
      default: true
      }
    }

  private static let allCases: [Case] = Candidate.allCases.flatMap { candidate in
    let all = [
      StreamRole.monitor(of: .defaultSink), .streams(of: .defaultSink), .playback(to: .defaultSink), .virtualSink,
      .virtualSource, .feed(preferring: nil), .capture(source: nil),
    ]
    let roles: Set<StreamRole.Kind>? =
      candidate.isALSA ? ALSABackend().roles : candidate == .jack ? JACKBackend().roles : nil
    let offered = all.filter { roles?.contains($0.kind) ?? true }
    return offered.map { Case(candidate: candidate, role: $0) }
  }

  /// A started stream that has rendered.
  private func running(_ test: Case) throws -> (any BackendUnderTest, ContractClient, any AudioStream) {
    let backend = try test.candidate.make(for: test.role)
    let client = ContractClient(role: test.role.kind)
    let stream = try backend.open(test.role, client, layout: test.layout)
    try stream.start()
    let started = backend.run { client.isRunning && client.cycleCount > 3 }
    try #require(started, "states: \(client.states)")
    return (backend, client, stream)
  }

  @Test(arguments: cases) func noCallBeforeStartNorAfterStop(test: Case) throws {
    let backend = try test.candidate.make(for: test.role)
    let client = ContractClient(role: test.role.kind)
    let stream = try backend.open(test.role, client, layout: test.layout)
    backend.runOn()
    #expect(client.cycleCount == 0)
    try stream.start()
    let started = backend.run { client.cycleCount > 3 }
    #expect(started)
    stream.stop()
    let stopped = client.cycleCount
    backend.runOn()
    #expect(client.cycleCount == stopped)
    #expect(client.lastState == .stopped)
    #expect(stream.report.state == .stopped)
    #expect(client.faults == [0, 0, 0, 0])
  }

  @Test(arguments: cases) func stopFromAnyState(test: Case) throws {
    let backend = try test.candidate.make(for: test.role)
    let client = ContractClient(role: test.role.kind)
    let stream = try backend.open(test.role, client, layout: test.layout)
    stream.stop()
    #expect(client.events.isEmpty, "it never ran")
    try stream.start()
    stream.stop()
    stream.stop()
    #expect(client.states.count { $0 == .stopped } <= 1)
    #expect(stream.report.state == .stopped)
    try stream.start()
    try stream.start()
    let started = backend.run { client.isRunning }
    #expect(started)
    if test.hasDevice {
      try backend.loseDevice()
      let waits = backend.run { !client.isRunning }
      #expect(waits)
    }
    stream.stop()
    #expect(client.lastState == .stopped)
    let count = client.events.count
    if test.hasDevice { try backend.returnDevice() }
    backend.runOn()
    #expect(client.events.count == count, "a stopped stream says nothing")
  }

  @Test(arguments: cases) func restartKeepsTheClientAndThePosition(test: Case) throws {
    let (backend, client, stream) = try running(test)
    for _ in 0..<3 {
      stream.stop()
      let before = client.cycleCount
      // Players and recorders are connected by the session manager, and WirePlumber 0.4 may never link a node that comes
      // while it still works on the one that goes.
      if test.isConnectedByOthers { usleep(300_000) }
      try stream.start()
      let again = backend.run { client.cycleCount > before + 3 }
      #expect(again, "\(test): \(client.states)")
    }
    stream.stop()
    #expect(client.faults == [0, 0, 0, 0])
  }

  @Test(arguments: cases) func formatComesBeforeTheFirstBlock(test: Case) throws {
    let (backend, client, stream) = try running(test)
    // The device lives as long as this.
    defer { withExtendedLifetime(backend) {} }
    stream.stop()
    let formats = client.events.compactMap { if case .format(let format) = $0 { format } else { nil } }
    #expect(formats == [StreamFormat(rate: .codec, layout: .stereo)])
    #expect(client.faults == [0, 0, 0, 0])
    #expect(stream.report.format == formats.first)
  }

  @Test(arguments: cases) func reportHasTheFacts(test: Case) throws {
    let (backend, client, stream) = try running(test)
    // The device lives as long as this.
    defer { withExtendedLifetime(backend) {} }
    let report = stream.report
    #expect(report.state == client.lastState)
    #expect(report.quantum > 0)
    #expect(report.graphRate == 48_000)
    #expect(report.cycles > 3)
    let isOwn = test.role.kind == .virtualSink || test.role.kind == .virtualSource
    #expect(report.users == (isOwn ? 1 : 0) && report.isDriven == isOwn)
    stream.stop()
  }

  @Test(arguments: cases.filter(\.hasDevice)) func oneLostDeviceIsOneEvent(test: Case) throws {
    let (backend, client, stream) = try running(test)
    let before = client.states.count
    try backend.loseDevice()
    let lost = backend.run { !client.isRunning }
    #expect(lost)
    backend.runOn()
    let absent = client.states.dropFirst(before)
    #expect(absent.count == 1, "\(Array(absent))")
    let during = client.cycleCount
    backend.runOn()
    #expect(client.cycleCount == during, "no device, no calls")
    try backend.returnDevice()
    let back = backend.run { client.isRunning && client.cycleCount > during + 3 }
    #expect(back, "\(client.states)")
    stream.stop()
    #expect(client.faults == [0, 0, 0, 0])
    for (first, second) in zip(client.states, client.states.dropFirst()) { #expect(first != second) }
  }

  @Test(arguments: cases.filter(\.candidate.hasServer)) func lostServerComesBackAsTheSameStream(test: Case) throws {
    let (backend, client, stream) = try running(test)
    try backend.loseServer()
    let lost = backend.run { client.waitsFor == .serverUnavailable }
    #expect(lost, "\(client.states)")
    let before = client.cycleCount
    try backend.returnServer()
    let back = backend.run { client.isRunning && client.cycleCount > before + 3 }
    #expect(back, "\(client.states)")
    // One loss is one spell of waiting, however often its wording changes.
    let spells = client.states.map { state in
      if case .waiting(let error) = state { error.code == .serverUnavailable } else { false }
    }
    #expect(zip([false] + spells, spells).count { !$0 && $1 } == 1)
    stream.stop()
    #expect(client.faults == [0, 0, 0, 0])
  }

  @Test(arguments: cases.filter(\.deviceMayChange)) func deviceMayReturnWithOtherChannels(
    test: Case
  ) throws {
    let (backend, client, stream) = try running(test)
    try backend.changeDevice(channels: 6)
    let changed = backend.run { client.isRunning && client.lastChannels.load(ordering: .relaxed) == 6 }
    #expect(changed, "\(client.events)")
    stream.stop()
    let formats = client.events.compactMap { if case .format(let format) = $0 { format.layout } else { nil } }
    #expect(formats.first == .stereo && formats.last == .surround51)
    #expect(client.faults == [0, 0, 0, 0])
  }

  @Test func missingTargetWaitsAndSaysSo() throws {
    let backend = try Candidate.pipewire.make()
    for target in ["sink:nothing-of-that-name", "sink:private-mic"] {
      let role = StreamRole.monitor(of: try #require(SinkTarget(target)))
      let client = ContractClient(role: .monitor)
      let stream = try backend.open(role, client)
      try stream.start()
      let expected: BackendError.Code = target.hasSuffix("mic") ? .notASink : .sinkNotFound
      let waits = backend.run { client.waitsFor == expected }
      #expect(waits, "\(client.states)")
      backend.runOn()
      #expect(client.cycleCount == 0)
      stream.stop()
    }
  }

  @Test(arguments: Candidate.allCases) func roleThatIsNotOfferedIsAnError(candidate: Candidate) throws {
    let backend = try candidate.make()
    let roles: [StreamRole] = [
      .playback(to: .defaultSink), .monitor(of: .defaultSink), .streams(of: .defaultSink), .capture(source: "x"),
      .virtualSource,
    ]
    for role in roles {
      let client = ContractClient(role: role.kind)
      if backend.backend.roles.contains(role.kind) {
        _ = try backend.open(role, client)
      } else {
        let error = #expect(throws: BackendError.self) { try backend.open(role, client) }
        #expect(error?.code == .unsupportedRole && error?.recovery == .permanent)
      }
      #expect(client.events.isEmpty)
    }
  }
}
