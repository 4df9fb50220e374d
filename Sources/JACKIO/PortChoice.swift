import AudioCore

/// Which of a server's ports carry which of our channels. Pure.
///
/// JACK has no channels, only ports: those that are named after a loudspeaker position are taken by it, others by number.
enum PortChoice {
  struct Link: Hashable, Sendable {
    var channel: Int
    /// Full name: `client:port`.
    var port: String
  }

  /// Of all ports those of one client.
  static func ports(_ all: [String], of client: String) -> [String] { all.filter { $0.hasPrefix(client + ":") } }

  /// The client that a port belongs to. Port names may have colons, client names may not.
  static func client(of port: String) -> String { String(port.prefix { $0 != ":" }) }

  static func links(_ layout: ChannelLayout, ports: [String], isPlayback: Bool) -> [Link] {
    var links: [Link] = []
    func add(_ channel: Int, _ index: Int?) {
      if let index, ports.indices.contains(index) { links.append(Link(channel: channel, port: ports[index])) }
    }
    let positions = ports.map(position)
    let isNamed = layout.labels.contains { positions.contains($0) } || layout == .mono && positions.contains(.frontLeft)
    for (channel, label) in layout.labels.enumerated() {
      if ports.count == 1, layout.count <= 2 {
        // One loudspeaker gets both sides, and both sides get one microphone.
        add(channel, 0)
      } else if label == .mono, layout.count == 1, isPlayback {
        for (number, side) in [ChannelLabel.frontLeft, .frontRight].enumerated() {
          add(channel, isNamed ? positions.firstIndex(of: .mono) ?? positions.firstIndex(of: side) : number)
          if isNamed && positions.contains(.mono) { break }
        }
      } else if label == .mono, layout.count == 1 {
        // JACK adds up what is connected: a voice that is the same in both would be twice as loud.
        add(channel, isNamed ? positions.firstIndex(of: .mono) ?? positions.firstIndex(of: .frontLeft) : 0)
      } else {
        add(channel, isNamed ? positions.firstIndex(of: label) : channel)
      }
    }
    return links
  }

  /// The layout for a stream that takes whatever there is: the largest known one that the ports can carry.
  static func layout(for ports: Int) -> ChannelLayout {
    [8, 6, 2].lazy.filter { $0 <= ports }.compactMap { ChannelLayout(channels: $0) }.first ?? .mono
  }

  /// What our client is called, and how our ports.
  static func clientName(_ wanted: String, limit: Int) -> String {
    var name = ""
    for character in wanted {
      let isPlain = character != ":" && character.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
      let next = isPlain ? String(character) : "-"
      // Room for the number that the server may add.
      guard name.utf8.count + next.utf8.count <= limit - 8 else { break }
      name += next
    }
    return name.isEmpty ? "streamd" : name
  }

  static func portName(_ label: ChannelLabel, isPlayback: Bool) -> String {
    (isPlayback ? "output_" : "input_") + label.name
  }

  private static func position(_ port: String) -> ChannelLabel? {
    guard let end = port.lastIndex(where: { $0 == "_" || $0 == ":" }) else { return nil }
    return ChannelLabel(name: String(port[port.index(after: end)...]))
  }
}
