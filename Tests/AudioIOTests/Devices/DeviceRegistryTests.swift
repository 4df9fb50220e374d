import Testing

@testable import AudioIO

/// Devices that tests speak of.
enum Seen {
  static func microphone(
    handle: String = "40/40", name: String = "alsa_input.usb-Acme_Mic-00.analog-stereo",
    description: String = "Acme Mic Analog Stereo", serial: String = "Acme_Mic_0042", path: String = "pci-0:usb-0:1",
    part: String = "analog-stereo", bus: String = "usb"
  ) -> DeviceSighting {
    DeviceSighting(
      handle: handle, direction: .input, name: name, description: description, channels: ["FL", "FR"],
      hardware: DeviceHardware(serial: serial, busPath: path, bus: bus, part: part))
  }

  static func sink(_ name: String, handle: String, description: String = "") -> DeviceSighting {
    DeviceSighting(handle: handle, direction: .output, name: name, description: description)
  }
}

@Suite struct DeviceRegistryTests {
  private func added(_ events: [DeviceEvent]) -> [Device] {
    events.compactMap { if case .added(let device) = $0 { device } else { nil } }
  }

  @Test func aDeviceIsTheSameAfterReplugRenameAndAnotherProfile() throws {
    var registry = DeviceRegistry()
    let first = try #require(added(registry.update("pipewire", DeviceSnapshot(sightings: [Seen.microphone()]))).first)
    #expect(first.id.text == "pipewire:input:serial/Acme_Mic_0042/analog")
    #expect(registry.update("pipewire", DeviceSnapshot()) == [.removed(first)])
    // Another number, another name, another place, another description, as a surround device.
    let again = Seen.microphone(
      handle: "77/901", name: "my-mic", description: "Desk", path: "pci-0:usb-0:3", part: "analog-surround-51")
    let second = try #require(added(registry.update("pipewire", DeviceSnapshot(sightings: [again]))).first)
    #expect(second.id == first.id && second.name == "my-mic" && second.description == "Desk")
    // Its old name still names it.
    #expect(try registry.find(first.name).id == first.id)
  }

  /// An identity says nothing of numbers that a server gives: only that keeps it over restarts.
  @Test func identityIsOfTheHardwareAlone() throws {
    var one = DeviceRegistry()
    var other = DeviceRegistry()
    let left = added(one.update("pipewire", DeviceSnapshot(sightings: [Seen.microphone(handle: "1/1")])))
    let right = added(other.update("pipewire", DeviceSnapshot(sightings: [Seen.microphone(handle: "9/99")])))
    #expect(left.map(\.id) == right.map(\.id) && !left.isEmpty)
    let strengths: [(DeviceHardware, String)] = [
      (DeviceHardware(serial: "S", busID: "B", busPath: "P", card: "C"), "serial/S"),
      (DeviceHardware(busID: "B", busPath: "P", card: "C"), "bus/B"),
      (DeviceHardware(busPath: "P", card: "C"), "path/P"),
      (DeviceHardware(card: "C", part: "0"), "card/C/0"), (DeviceHardware(), "name/n"),
    ]
    for (hardware, key) in strengths {
      let sighting = DeviceSighting(handle: "h", direction: .output, name: "n", hardware: hardware)
      #expect(DeviceIdentity(sighting, in: "alsa").text == "alsa:output:" + key)
    }
    #expect(DevicePart.name("hdmi-stereo-extra1") == "hdmi-extra1" && DevicePart.name("pro-output-0") == "pro-output-0")
  }

  @Test func twoOfAKindAreToldApartByTheirPlaces() throws {
    var registry = DeviceRegistry()
    let left = Seen.microphone(handle: "1", name: "mic", path: "usb-1")
    let right = Seen.microphone(handle: "2", name: "mic.2", path: "usb-2")
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [left, right]))
    let ids = registry.devices.map(\.id.text)
    #expect(
      Set(ids) == ["pipewire:input:serial/Acme_Mic_0042/analog", "pipewire:input:serial/Acme_Mic_0042/analog@usb-2"])
    // One that stays keeps its identity whatever becomes of the other.
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [right]))
    #expect(registry.devices.map(\.id.text) == ["pipewire:input:serial/Acme_Mic_0042/analog@usb-2"])
    // Nodes of one name have no hardware to tell them apart.
    var same = DeviceRegistry()
    _ = same.update("pipewire", DeviceSnapshot(sightings: [Seen.sink("x", handle: "1"), Seen.sink("x", handle: "2")]))
    #expect(Set(same.devices.map(\.id.text)) == ["pipewire:output:name/x", "pipewire:output:name/x#2"])
  }

  @Test func whatChangesIsTold() throws {
    var registry = DeviceRegistry()
    var sink = Seen.sink("speakers", handle: "5", description: "Speakers")
    var snapshot = DeviceSnapshot(sightings: [sink], defaults: [.output: "speakers"])
    let events = registry.update("pipewire", snapshot)
    let device = try #require(registry.devices.first)
    #expect(events.count == 2 && added(events).count == 1 && device.isDefault)
    #expect(events.last == .defaulted(system: "pipewire", .output, device))
    #expect(registry.update("pipewire", snapshot).isEmpty)
    sink.channels = ["FL", "FR"]
    snapshot.sightings = [sink]
    let changes = registry.update("pipewire", snapshot)
    guard case .changed(let changed)? = changes.first, changes.count == 1 else {
      return #expect(Bool(false), "\(changes)")
    }
    #expect(changed.channels == ["FL", "FR"] && changed.isDefault && changed.id == device.id)
    snapshot.sightings.append(Seen.sink("headset", handle: "6"))
    snapshot.defaults[.output] = "headset"
    #expect(registry.update("pipewire", snapshot).count == 2)
    #expect(registry.defaultDevice(.output, of: "pipewire")?.name == "headset")
    #expect(registry.devices.filter(\.isDefault).map(\.name) == ["headset"])
    // A server that is gone takes all with it, and says why.
    let end = registry.update("pipewire", DeviceSnapshot(trouble: BackendError(.serverUnavailable, "gone")))
    #expect(end.count == 3 && registry.devices.isEmpty && registry.trouble(of: "pipewire")?.message == "gone")
  }

  @Test func systemsDoNotMeddle() {
    var registry = DeviceRegistry()
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [Seen.sink("a", handle: "1")]))
    _ = registry.update("alsa", DeviceSnapshot(sightings: [Seen.sink("b", handle: "1")]))
    #expect(registry.update("alsa", DeviceSnapshot()).count == 1)
    #expect(registry.devices.map(\.name) == ["a"])
  }

  /// A storm of things that come and go leaves no trace beyond the bound.
  @Test func memoryIsBounded() {
    var registry = DeviceRegistry()
    for round in 0..<2000 {
      _ = registry.update("pipewire", DeviceSnapshot(sightings: [Seen.sink("s\(round)", handle: "\(round)")]))
    }
    let known = (0..<2000).filter { registry.knows(DeviceIdentity(text: "pipewire:output:name/s\($0)")) }
    #expect(known.count == DeviceRegistry.memoryLimit + 1 && known.first! > 1700)
    let many = (0..<1000).map { Seen.sink("m\($0)", handle: "\($0)") }
    _ = registry.update("pipewire", DeviceSnapshot(sightings: many))
    #expect(registry.devices.count == DeviceRegistry.limit)
  }

  @Test func headsetsAreHeldBack() {
    var registry = DeviceRegistry()
    let headset = Seen.microphone(serial: "AA:BB", bus: "bluetooth")
    var sink = Seen.sink("bluez_output.AA", handle: "9")
    sink.hardware.bus = "bluetooth"
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [headset, sink]))
    #expect(registry.devices.map(\.isHeldBack) == [true, false])
  }
}
