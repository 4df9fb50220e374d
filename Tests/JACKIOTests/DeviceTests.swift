import AudioIO
import TestSupport
import Testing

@testable import JACKIO

@Suite struct PortListingTests {
  private func port(_ name: String, _ isOutput: Bool, physical: Bool = false, alias: String = "") -> ServerPort {
    ServerPort(name: name, isOutput: isOutput, isPhysical: physical, alias: alias)
  }

  @Test func aClientsPortsOfOneDirectionAreADevice() {
    let ports = [
      port("system:capture_1", true, physical: true, alias: "alsa_pcm:hw:0:capture_1"),
      port("system:capture_2", true, physical: true), port("system:playback_1", false, physical: true),
      port("synth:out:left", true), port("streamd.graph:output_FL", true),
    ]
    let snapshot = PortListing.snapshot(ports, rate: 44_100) { $0.hasPrefix("streamd") }
    #expect(
      snapshot.sightings.map { "\($0.name) \($0.direction.rawValue)" } == [
        "system input", "system output", "synth input", "streamd.graph input",
      ])
    #expect(snapshot.sightings[0].channels == ["capture_1", "capture_2"])
    #expect(snapshot.sightings[0].description == "alsa_pcm:hw:0" && snapshot.sightings[2].channels == ["out:left"])
    #expect(snapshot.sightings[0].rates.values == [44_100])
    #expect(snapshot.defaults == [.input: "system", .output: "system"])
    #expect(snapshot.sightings.map(\.isOurs) == [false, false, false, true])
  }
}

extension ServerTests {
  @Test func devicesOfAServerComeAndGo() throws {
    let server = try PrivateJACK()
    let watch = JACKBackend(server: server.name).devices
    let live = LiveDevices(["jack": { watch }])
    live.attach("jack")
    defer { live.stop() }
    let physical = DeviceScope(.output, system: "jack")
    #expect(waitUntil(timeout: 10) { live.registry.defaultDevice(.output, of: "jack") != nil })
    let system = try live.registry.find("default", physical)
    #expect(system.name == "system" && system.channels == ["playback_1", "playback_2"] && system.rates.allow(48_000))
    #expect(!system.rates.allow(44_100))
    // Another client is there while it is.
    let rig = try PortRig(server.name, name: "synth")
    #expect(rig.run(cycles: 5))
    #expect(waitUntil(timeout: 5) { live.registry.devices.contains { $0.name == "synth" && $0.direction == .input } })
    rig.stream.stop()
    #expect(waitUntil(timeout: 5) { !live.registry.devices.contains { $0.name == "synth" } })
    server.kill()
    #expect(waitUntil(timeout: 5) { live.registry.trouble(of: "jack") != nil && live.registry.devices.isEmpty })
    try server.restart(rate: 44_100, period: 64)
    #expect(waitUntil(timeout: 20) { live.registry.defaultDevice(.output, of: "jack")?.rates.values == [44_100] })
    #expect(live.registry.defaultDevice(.output, of: "jack")?.id == system.id)
  }
}
