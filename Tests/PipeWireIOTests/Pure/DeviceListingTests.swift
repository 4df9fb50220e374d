import AudioIO
import Testing

@testable import PipeWireIO

@Suite struct DeviceListingTests {
  private func known(_ words: [String: String] = [:]) -> DeviceProperties {
    var properties = DeviceProperties()
    properties.learn { words[$0] }
    return properties
  }

  private func node(_ id: UInt32, _ name: String, _ mediaClass: String, device: UInt32? = nil) -> GraphMirror.Node {
    GraphMirror.Node(
      id: id, name: name, description: "D " + name, mediaClass: mediaClass, priority: 0, serial: UInt64(id) + 100,
      device: device)
  }

  @Test func sinksAndSourcesAreDevicesAndNothingElse() {
    var graph = GraphMirror()
    for (id, mediaClass) in [
      (1, "Audio/Sink"), (2, "Audio/Source"), (3, "Audio/Source/Virtual"), (4, "Audio/Duplex"),
      (5, "Stream/Output/Audio"),
      (6, "Video/Source"), (7, "Midi/Bridge"), (8, ""),
    ] as [(UInt32, String)] {
      graph.add(node(id, "n\(id)", mediaClass))
    }
    let nodes = Dictionary(uniqueKeysWithValues: (1...8).map { (UInt32($0), known()) })
    let found = DeviceListing(graph: graph, nodes: nodes, cards: [:]).snapshot.sightings
    #expect(
      found.map { "\($0.name) \($0.direction.rawValue)" } == [
        "n1 output", "n2 input", "n3 input", "n4 input", "n4 output",
      ])
    #expect(found[0].handle == "1/101" && found[0].description == "D n1")
  }

  /// Until both have answered nobody knows which device it is.
  @Test func aDeviceIsToldWhenItsCardIsKnown() throws {
    var graph = GraphMirror()
    graph.add(node(1, "mic", "Audio/Source", device: 9))
    graph.addDevice(9, driver: "alsa")
    let own = known(["device.profile.name": "analog-stereo", "device.serial": "not this"])
    #expect(DeviceListing(graph: graph, nodes: [1: own], cards: [:]).snapshot.sightings.isEmpty)
    let card = known(["device.serial": "Acme_7", "device.bus-path": "usb-3", "device.bus": "usb"])
    #expect(DeviceListing(graph: graph, nodes: [:], cards: [9: card]).snapshot.sightings.isEmpty)
    let sighting = try #require(
      DeviceListing(graph: graph, nodes: [1: own], cards: [9: card]).snapshot.sightings.first)
    #expect(
      sighting.hardware
        == DeviceHardware(serial: "Acme_7", busPath: "usb-3", bus: "usb", part: "analog-stereo"))
    // A card that we are not shown is not waited for.
    graph.remove(9)
    #expect(DeviceListing(graph: graph, nodes: [1: own], cards: [:]).snapshot.sightings.count == 1)
  }

  @Test func channelsAreThePortsInTheirOrder() throws {
    var graph = GraphMirror()
    graph.add(node(1, "duplex", "Audio/Duplex"))
    for (id, isOutput, isMonitor, index, channel) in [
      (20, false, false, 1, "FR"), (21, false, false, 0, "FL"), (22, true, true, 0, "FL"), (23, true, false, 2, "MONO"),
    ] as [(UInt32, Bool, Bool, Int, String)] {
      graph.add(
        GraphMirror.Port(id: id, node: 1, isOutput: isOutput, isMonitor: isMonitor, index: index, channel: channel))
    }
    let found = DeviceListing(graph: graph, nodes: [1: known()], cards: [:]).snapshot.sightings
    #expect(found.map(\.channels) == [["MONO"], ["FL", "FR"]])
    // Without ports, what the node says of itself.
    var bare = GraphMirror()
    bare.add(node(2, "x", "Audio/Sink"))
    let words = DeviceListing(graph: bare, nodes: [2: known(["audio.position": "[ FL, FR LFE ]"])], cards: [:])
    #expect(words.snapshot.sightings.map(\.channels) == [["FL", "FR", "LFE"]])
  }

  /// A headset is one device whatever its profile: its address says so.
  @Test func aHeadsetIsKnownByItsAddress() throws {
    var graph = GraphMirror()
    graph.addDevice(9, driver: "bluez5")
    graph.add(node(1, "bluez_output.AA.a2dp-sink", "Audio/Sink", device: 9))
    graph.add(node(2, "bluez_input.AA.headset", "Audio/Source", device: 9))
    let own = known(["api.bluez5.address": "AA:BB", "device.profile.name": "headset-head-unit"])
    let listing = DeviceListing(graph: graph, nodes: [1: own, 2: own], cards: [9: known(["device.bus": "x"])])
    #expect(
      listing.snapshot.sightings.map(\.hardware).allSatisfy { $0.serial == "AA:BB" && $0.isBluetooth && $0.part == "" })
    #expect(listing.snapshot.sightings.count == 2)
  }
}
