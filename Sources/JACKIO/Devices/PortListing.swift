import AudioIO

/// One port of a JACK server.
struct ServerPort: Equatable {
  /// `client:port`.
  var name: String
  /// Sound comes out of it.
  var isOutput: Bool
  var isPhysical: Bool
  /// What else it is called.
  var alias = ""
}

/// Devices of a JACK server: the ports of one client of one direction are one. Pure.
enum PortListing {
  /// `own` tells clients of ours.
  static func snapshot(_ ports: [ServerPort], rate: Int, own: (String) -> Bool) -> DeviceSnapshot {
    var order: [String] = []
    var groups: [String: [ServerPort]] = [:]
    for port in ports {
      let key = (port.isOutput ? "<" : ">") + PortChoice.client(of: port.name)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(port)
    }
    var snapshot = DeviceSnapshot()
    for key in order {
      guard let group = groups[key], let first = group.first else { continue }
      let client = PortChoice.client(of: first.name)
      // Sound that comes out of a port is what we record.
      let direction: DeviceDirection = first.isOutput ? .input : .output
      snapshot.sightings.append(
        DeviceSighting(
          handle: key, direction: direction, name: client, description: description(client, group),
          channels: group.map { String($0.name.dropFirst(client.count + 1)) }, rates: DeviceRates([rate]),
          formats: ["F32"], isOurs: own(client)))
      if first.isPhysical, snapshot.defaults[direction] == nil { snapshot.defaults[direction] = client }
    }
    return snapshot
  }

  /// The card behind physical ports, as their other names have it: `alsa_pcm:hw:0:in1`.
  private static func description(_ client: String, _ group: [ServerPort]) -> String {
    guard let first = group.first, first.isPhysical, let end = first.alias.lastIndex(of: ":") else { return client }
    return String(first.alias[..<end])
  }
}
