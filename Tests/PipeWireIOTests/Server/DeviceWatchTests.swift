import AudioCore
import AudioIO
import Synchronization
import TestSupport
import Testing

@testable import PipeWireIO

/// Devices of a real server that come and go.
@Suite(.serialized) struct DeviceWatchTests {
  private final class Diary: Sendable {
    private let events = Mutex<[DeviceEvent]>([])
    func add(_ news: [DeviceEvent]) { events.withLock { $0 += news } }
    var all: [DeviceEvent] { events.withLock { $0 } }
    var added: [String] { all.compactMap { if case .added(let device) = $0 { device.name } else { nil } } }
    var removed: [String] { all.compactMap { if case .removed(let device) = $0 { device.name } else { nil } } }
  }

  private func open(_ server: PrivatePipeWire) throws -> (LiveDevices, Diary, PipeWireBackend) {
    let backend = try PipeWireBackend(remote: server.remote)
    let watch = backend.devices
    let live = LiveDevices(["pipewire": { watch }])
    let diary = Diary()
    _ = live.observe { diary.add($0) }
    live.attach("pipewire")
    try #require(waitUntil(timeout: 10) { !live.registry.systems.isEmpty })
    return (live, diary, backend)
  }

  @Test func devicesAreListedWithWhatTheyOffer() throws {
    let server = try PrivatePipeWire(sinkChannels: 6, microphone: true)
    defer { server.stop() }
    let (live, diary, backend) = try open(server)
    defer { live.stop() }
    // The first listing is whole.
    #expect(Set(diary.added) == [PrivatePipeWire.sinkName, PrivatePipeWire.microphoneName])
    let sink = try live.registry.find(PrivatePipeWire.sinkName, DeviceScope(.output))
    #expect(sink.channels == ["FL", "FR", "FC", "LFE", "RL", "RR"] && sink.description == "Private sink, 6 channels")
    #expect(sink.formats.contains("F32P") || sink.formats.contains("F32LE"), "\(sink)")
    #expect(sink.rates.allow(48_000) && sink.rates.isKnown)
    #expect(
      waitUntil(timeout: 10) { live.registry.defaultDevice(.output, of: "pipewire")?.name == PrivatePipeWire.sinkName })
    withExtendedLifetime(backend) {}
  }

  /// Unplugged and plugged in elsewhere under another name, again and again: one identity, two events each time, and none
  /// of the others' concern.
  @Test func oneThatIsPluggedInAgainIsTheSame() throws {
    let server = try PrivatePipeWire(microphone: true)
    defer { server.stop() }
    let (live, diary, backend) = try open(server)
    defer { live.stop() }
    let rounds = Breadth.rounds(short: 4, long: 50)
    var ids: Set<DeviceIdentity> = []
    for round in 0..<rounds {
      let name = "usb-mic-\(round % 3)"
      try server.createNode(
        name, mediaClass: "Audio/Source/Virtual", channels: 2, description: "Desk \(round)",
        properties: [
          "device.serial": "Acme_0042", "device.bus-path": "usb-\(round)", "device.bus": "usb",
          "device.profile.name": "analog-stereo",
        ])
      var found: Device?
      #expect(
        waitUntil(timeout: 10) {
          found = live.registry.devices.first { $0.name == name }
          return found != nil
        })
      let device = try #require(found)
      #expect(
        device.description == "Desk \(round)" && device.hardware.busPath == "usb-\(round)" && device.channels.count == 2
      )
      ids.insert(device.id)
      #expect(try live.registry.find("Desk \(round)").id == device.id)
      try server.destroyNode(name)
      #expect(waitUntil(timeout: 10) { live.registry[device.id] == nil })
    }
    #expect(ids == [DeviceIdentity(text: "pipewire:input:serial/Acme_0042/analog")])
    #expect(diary.added.filter { $0.hasPrefix("usb-mic") }.count == rounds)
    #expect(diary.removed.count == rounds, "\(diary.removed)")
    withExtendedLifetime(backend) {}
  }

  @Test func defaultsAndALostServerAreTold() throws {
    let server = try PrivatePipeWire()
    defer { server.stop() }
    try server.createSink("second", channels: 2)
    let (live, diary, backend) = try open(server)
    defer { live.stop() }
    try server.setDefaultSink("second")
    #expect(waitUntil(timeout: 10) { live.registry.defaultDevice(.output, of: "pipewire")?.name == "second" })
    #expect(live.registry.devices.filter(\.isDefault).count == 1)
    let wasDefault = diary.all.contains {
      if case .defaulted(_, .output, let device) = $0 { device?.name == "second" } else { false }
    }
    #expect(wasDefault)
    server.kill(.pipewire)
    #expect(waitUntil(timeout: 10) { live.registry.devices.isEmpty })
    #expect(live.registry.trouble(of: "pipewire")?.code == .serverUnavailable)
    try server.restartServer()
    #expect(waitUntil(timeout: 15) { live.registry.devices.contains { $0.name == PrivatePipeWire.sinkName } })
    #expect(live.registry.trouble(of: "pipewire") == nil)
    withExtendedLifetime(backend) {}
  }

  /// Devices of this process are there too, and marked.
  @Test func whatIsOursIsMarked() throws {
    let server = try PrivatePipeWire()
    defer { server.stop() }
    let (live, _, backend) = try open(server)
    defer { live.stop() }
    let stream = try backend.open(
      StreamRequest(role: .virtualSource, name: "own-mic", description: "Own"), client: RenderClient(), events: { _ in }
    )
    try stream.start()
    defer { stream.stop() }
    var own: Device?
    #expect(
      waitUntil(timeout: 10) {
        own = live.registry.devices.first { $0.name == "own-mic" }
        return own?.channels.isEmpty == false
      })
    #expect(own?.isOurs == true && own?.direction == .input)
    #expect(live.registry.devices.first { $0.name == PrivatePipeWire.sinkName }?.isOurs == false)
  }
}
