/// A link between two ports, each as `node:port`.
public struct PortLink: Hashable, Sendable, CustomStringConvertible {
  public let output: String
  public let input: String
  public var description: String { "\(output) -> \(input)" }

  public init(output: String, input: String) {
    self.output = output
    self.input = input
  }
}

/// What tests do to the graph of a private server, and see in it.
extension PrivatePipeWire {
  /// Cycle length in frames for everybody; 0 gives the choice back to the server.
  public func setQuantum(_ frames: Int) throws(SupportError) {
    try set("clock.force-quantum", "\(frames)")
  }

  /// Graph rate in hertz; 0 gives the choice back to the server.
  public func setRate(_ hertz: Int) throws(SupportError) { try set("clock.force-rate", "\(hertz)") }

  /// Names the default sink as a user would in the desktop's settings.
  public func setDefaultSink(_ name: String) throws(SupportError) { try setDefault("sink", name) }

  /// The same for the default `sink` or `source`.
  public func setDefault(_ device: String, _ name: String) throws(SupportError) {
    try succeed([
      "pw-metadata", "0", "default.configured.audio.\(device)", "{ \"name\": \"\(name)\" }",
      "Spa:String:JSON",
    ])
  }

  /// One more null sink, with 1, 2, 6 or 8 channels. It stays until it is destroyed or the server ends.
  public func createSink(_ name: String, channels: Int) throws(SupportError) {
    try createNode(name, mediaClass: "Audio/Sink", channels: channels)
  }

  /// A null node of any class, for instance `Audio/Source/Virtual`, with whatever else is to be said of it. The factory `audiotestsrc` makes a
  /// source that brings a tone of 440 Hz.
  public func createNode(
    _ name: String, mediaClass: String, channels: Int, description: String? = nil, properties: [String: String] = [:],
    factory: String = "support.null-audio-sink"
  ) throws(SupportError) {
    let positions =
      channels == 1
      ? ["MONO"] : Array(["FL", "FR", "FC", "LFE", "RL", "RR", "SL", "SR"].prefix(channels))
    try succeed([
      "pw-cli", "create-node", "adapter",
      """
      { factory.name=\(factory) node.name=\(name) node.description="\(description ?? name)"
        media.class=\(mediaClass) \(properties.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: " "))
        audio.channels=\(channels) audio.position=[ \(positions.joined(separator: " ")) ] object.linger=1
        adapter.auto-port-config={ mode=dsp monitor=true position=preserve } }
      """,
    ])
    guard waitUntil(timeout: 10, { ((try? ports()) ?? []).contains { $0.hasPrefix(name + ":") } })
    else {
      throw SupportError("node \(name) got no ports")
    }
  }

  public func destroyNode(_ name: String) throws(SupportError) {
    try succeed(["pw-cli", "destroy", name])
    guard waitUntil(timeout: 10, { !((try? nodes()) ?? [name]).contains(name) }) else {
      throw SupportError("node \(name) is still there")
    }
  }

  /// Names of all nodes.
  public func nodes() throws(SupportError) -> [String] {
    try succeed(["pw-cli", "ls", "Node"]).split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "\"")
      return parts.count == 2 && parts[0].contains("node.name =") ? String(parts[1]) : nil
    }
  }

  /// A node's number, for tools that know no names.
  public func nodeIdentifier(_ name: String) throws(SupportError) -> String? {
    var identifier: String?
    for line in try succeed(["pw-cli", "ls", "Node"]).split(separator: "\n") {
      let words = line.split(whereSeparator: { " \t,".contains($0) })
      if words.first == "id", words.count > 1 { identifier = String(words[1]) }
      if line.contains("node.name = \"\(name)\"") { return identifier }
    }
    return nil
  }

  /// All ports as `node:port`.
  public func ports() throws(SupportError) -> [String] {
    try succeed(["pw-link", "-io"]).split(separator: "\n").map(String.init)
  }

  public func links() throws(SupportError) -> Set<PortLink> {
    var found: Set<PortLink> = []
    var output = ""
    for line in try succeed(["pw-link", "-lo"]).split(separator: "\n") {
      if let arrow = line.firstRange(of: "|-> ") {
        found.insert(PortLink(output: output, input: String(line[arrow.upperBound...])))
      } else {
        output = String(line)
      }
    }
    return found
  }

  /// Plays a file of `TestTone` into a node, channel by channel as its positions say, until it ends or is stopped.
  public func play(_ file: String, to target: String = PrivatePipeWire.sinkName)
    throws(SupportError) -> Child
  {
    let wave = try WaveFile(reading: file)
    let positions = ["FL", "FR", "FC", "LFE", "RL", "RR", "SL", "SR"].prefix(wave.channels.count)
    return try start([
      "pw-cat", "--playback", "--target", target, "--channel-map", positions.joined(separator: ","),
      file,
    ])
  }

  private func set(_ key: String, _ value: String) throws(SupportError) {
    try succeed(["pw-metadata", "-n", "settings", "0", key, value])
  }

  @discardableResult
  private func succeed(_ tool: [String]) throws(SupportError) -> String {
    let result = try run(tool)
    guard result.status == 0 else {
      throw SupportError(
        "\(tool.joined(separator: " ")): status \(result.status) \(result.standardError)")
    }
    return result.standardOutput
  }
}
