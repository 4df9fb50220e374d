import AudioCore
import AudioIO
import PipeWireIO
import TestSupport

/// A backend with a device that the contract can take away.
protocol BackendUnderTest: AnyObject {
  var backend: any AudioBackend { get }
  /// Lets the backend work until the condition holds. False when it never did.
  func run(until condition: () -> Bool) -> Bool
  /// Lets the backend work for about a hundred cycles.
  func runOn()
  func loseDevice() throws
  func returnDevice() throws
  func loseServer() throws
  func returnServer() throws
  /// The device comes back with this many channels; nil where the backend's device cannot change.
  func changeDevice(channels: Int) throws
  /// The length of cycles to ask for.
  var quantum: FrameCount? { get }
}

extension BackendUnderTest {
  var quantum: FrameCount? { nil }

  func open(_ role: StreamRole, _ client: ContractClient, layout: ChannelLayout? = nil) throws -> any AudioStream {
    try backend.open(
      StreamRequest(role: role, name: "contract", description: "contract test", layout: layout, quantum: quantum),
      client: client,
      events: { client.heard($0) })
  }
}

/// Every backend that must keep the contract.
enum Candidate: String, CaseIterable, Sendable {
  case offline, pipewire
  case alsaCard = "alsa card"
  case alsaNull = "alsa null"
  case alsaFile = "alsa file"
  case alsaPipeWire = "alsa pipewire"
  case jack

  var isALSA: Bool { ![.offline, .pipewire, .jack].contains(self) }
  /// Whether there is a server that can go away.
  var hasServer: Bool { [.offline, .pipewire, .alsaPipeWire, .jack].contains(self) }

  /// With somebody who plays or records where the role has nothing to do otherwise.
  func make(for role: StreamRole? = nil) throws -> any BackendUnderTest {
    switch self {
    case .offline: OfflineUnderTest()
    case .pipewire: try PipeWireUnderTest(for: role?.kind)
    case .alsaCard, .alsaNull, .alsaFile, .alsaPipeWire: try ALSAUnderTest(self, for: role?.kind)
    case .jack: try JACKUnderTest()
    }
  }
}

/// Faults are scripted at cycles of their own; to bring one about is to run up to it.
final class OfflineUnderTest: BackendUnderTest {
  private static let deviceCycle = 2000
  private static let serverCycle = 4000
  private static let layoutCycle = 6000
  private static let absence = 500

  let backend: any AudioBackend
  private let offline: OfflineBackend
  private var cycle = 0

  init() {
    var faults = FaultScript()
    faults.at(cycle: Self.deviceCycle, .deviceLost(cycles: Self.absence))
    faults.at(cycle: Self.serverCycle, .serverLost(cycles: Self.absence))
    faults.at(cycle: Self.layoutCycle, .layout(.surround51))
    offline = OfflineBackend(OfflineBackend.Domain(faults: faults))
    backend = offline
  }

  private func advance() {
    offline.advance()
    cycle += 1
  }

  private func advance(to goal: Int) { while cycle <= goal { advance() } }

  func run(until condition: () -> Bool) -> Bool {
    for _ in 0..<100 {
      if condition() { return true }
      advance()
    }
    return condition()
  }

  func runOn() { for _ in 0..<100 { advance() } }
  func loseDevice() { advance(to: Self.deviceCycle) }
  func returnDevice() { advance(to: Self.deviceCycle + Self.absence) }
  func loseServer() { advance(to: Self.serverCycle) }
  func returnServer() { advance(to: Self.serverCycle + Self.absence) }
  func changeDevice(channels: Int) { advance(to: Self.layoutCycle) }
}

/// A PipeWire of its own with a null sink.
final class PipeWireUnderTest: BackendUnderTest {
  let server: PrivatePipeWire
  let backend: any AudioBackend

  private var player: (any AudioStream)?
  private var recorder: Child?

  init(for role: StreamRole.Kind?) throws {
    server = try PrivatePipeWire.start(sinkChannels: 2, microphone: true)
    backend = try PipeWireBackend(remote: server.remote)
    if role == .virtualSource { recorder = try record() }
    if role == .capture { recorder = try keepMicrophoneRunning() }
    guard role == .streams || role == .virtualSink else { return }
    // An application of its own; what it plays is silence.
    let target = role == .streams ? SinkTarget.defaultSink : .named("contract")
    player = try PipeWireBackend(remote: server.remote).open(
      StreamRequest(role: .playback(to: target), name: "player", description: "player"), client: RenderClient(),
      events: { _ in })
    try player?.start()
  }

  /// Records the stream under test whenever it is there. One that has lost its source does not find it again, so none
  /// lasts long.
  private func record() throws -> Child {
    try server.start([
      "sh", "-c",
      """
      while sleep 0.1; do pw-link -o | grep -q ^contract: || continue
      timeout --foreground 1 pw-record --target contract "$XDG_RUNTIME_DIR/contract.wav"; done 2>/dev/null
      """,
    ])
  }

  /// The test source that stands for a microphone drives its graph, and may not run again once its last recorder went
  /// while it had no buffer left: it stays linked but no cycle comes. With a recorder of its own it never stops.
  private func keepMicrophoneRunning() throws -> Child {
    try server.start([
      "sh", "-c", #"exec pw-record --target "$1" "$XDG_RUNTIME_DIR/microphone.wav""#, "sh",
      PrivatePipeWire.microphoneName,
    ])
  }

  deinit {
    player?.stop()
    recorder?.stop()
    server.stop()
  }

  func run(until condition: () -> Bool) -> Bool { waitUntil(timeout: 15, condition) }

  /// Time enough for a hundred cycles, if there are any.
  func runOn() { _ = waitUntil(timeout: 0.6) { false } }

  func loseDevice() throws { try server.destroyNode(PrivatePipeWire.sinkName) }
  func returnDevice() throws { try server.createSink(PrivatePipeWire.sinkName, channels: 2) }
  func loseServer() throws { server.kill(.pipewire) }
  func returnServer() throws { try server.restartServer() }

  func changeDevice(channels: Int) throws {
    try loseDevice()
    try server.createSink(PrivatePipeWire.sinkName, channels: channels)
  }
}
