import AudioCore

/// Reading a session description: enough of SDP to play what this project and its like send.
extension SessionDescription {
  public static let textLimit = 16_384

  public init(parsing text: String) throws(SDPError) {
    guard text.utf8.count <= Self.textLimit else { throw .tooLong }
    var reader = Reader()
    var number = 0
    for raw in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      if raw.isEmpty { continue }
      guard raw.utf8.count >= 2, raw.dropFirst().first == "=" else { throw .badLine(number) }
      guard reader.take(raw.first!, raw.dropFirst(2)) else { throw .badLine(number) }
    }
    self = try reader.finish()
  }

  private struct Reader {
    var identifier: UInt64 = 0
    var version: UInt64 = 0
    var name = ""
    var origin = ""
    var address = ""
    var port: UInt16?
    var payloadType: UInt8 = 0
    var encoding = ""
    var channels = 0
    var parameters: [String: String] = [:]
    var packet: FrameCount = 960
    var captureTimeID: UInt8?
    /// Attributes of media after the first audio are not ours.
    var inOtherMedium = false

    /// False for a line that cannot be read. Unknown lines are stepped over.
    mutating func take(_ type: Character, _ value: Substring) -> Bool {
      if type == "m" { return takeMedium(value) }
      if inOtherMedium { return true }
      let words = value.split(separator: " ")
      switch type {
      case "o":
        guard words.count == 6, let id = UInt64(words[1]), let number = UInt64(words[2]) else { return false }
        (identifier, version, origin) = (id, number, String(words[5]))
      case "s": name = String(value)
      case "c":
        guard words.count == 3, words[0] == "IN", let bare = words[2].split(separator: "/").first else { return false }
        address = String(bare)
      case "a": return takeAttribute(value)
      default: break
      }
      return true
    }

    mutating func takeMedium(_ value: Substring) -> Bool {
      let words = value.split(separator: " ")
      guard words.count >= 4 else { return false }
      inOtherMedium = port != nil || words[0] != "audio"
      if inOtherMedium { return true }
      guard let number = UInt16(words[1]), let type = UInt8(words[3]), type < 128 else { return false }
      (port, payloadType) = (number, type)
      return true
    }

    mutating func takeAttribute(_ value: Substring) -> Bool {
      let parts = value.split(separator: ":", maxSplits: 1)
      guard let key = parts.first, parts.count == 2 else { return true }
      let words = parts[1].split(separator: " ", maxSplits: 1)
      switch key {
      case "rtpmap":
        guard words.count == 2, let type = UInt8(words[0]) else { return false }
        if type != payloadType || port == nil { return true }
        let fields = words[1].split(separator: "/")
        guard fields.count >= 2, fields[1] == "48000" else { return false }
        encoding = fields[0].lowercased()
        channels = fields.count > 2 ? Int(fields[2]) ?? 0 : 1
      case "fmtp":
        guard words.count == 2, let type = UInt8(words[0]) else { return false }
        if type != payloadType { return true }
        for part in words[1].split(separator: ";") {
          let pair = part.split(separator: "=", maxSplits: 1)
          guard pair.count == 2 else { continue }
          parameters[pair[0].trimmed.lowercased()] = pair[1].trimmed
        }
      case "ptime":
        guard let milliseconds = Double(parts[1]), milliseconds >= 2.5, milliseconds <= 120 else { return false }
        packet = FrameCount(Int(milliseconds * 48))
      case "extmap":
        guard words.count == 2, let id = UInt8(words[0].prefix { $0 != "/" }) else { return true }
        let uri = words[1].split(separator: " ").first.map { String($0) }
        if uri == SessionDescription.captureTimeURI, (1...14).contains(id) { captureTimeID = id }
      default: break
      }
      return true
    }

    func finish() throws(SDPError) -> SessionDescription {
      guard let port, !address.isEmpty, !encoding.isEmpty else { throw .noAudio }
      return SessionDescription(
        identifier: identifier, version: version, name: name, origin: origin, address: address, port: port,
        payloadType: payloadType, audio: try audio(), captureTimeID: captureTimeID)
    }

    func audio() throws(SDPError) -> AudioDescription {
      let bitrate = parameters["maxaveragebitrate"].flatMap { Int($0) }
      let constant = parameters["cbr"] == "1"
      switch encoding {
      case "opus":
        // Absent means mono is what the sender will likely send.
        let stereo = (parameters["sprop-stereo"] ?? parameters["stereo"]) == "1"
        return AudioDescription(
          layout: stereo ? .stereo : .mono, streams: 1, coupled: stereo ? 1 : 0, mapping: stereo ? [0, 1] : [0],
          packet: packet, bitrate: bitrate, constantBitrate: constant)
      case "multiopus":
        return try multichannel(bitrate, constant)
      default: throw .unknownEncoding(encoding)
      }
    }

    func multichannel(_ bitrate: Int?, _ constant: Bool) throws(SDPError) -> AudioDescription {
      let listed = (parameters["channel_mapping"] ?? "").split(separator: ",").compactMap { UInt8($0.trimmed) }
      guard let order = AudioDescription.wireOrder(channels: channels), let layout = ChannelLayout(channels: channels),
        listed.count == channels, Set(listed) == Set((0..<channels).map { UInt8($0) }),
        let streams = Int(parameters["num_streams"] ?? ""), let coupled = Int(parameters["coupled_streams"] ?? ""),
        (1...channels).contains(streams), streams + coupled == channels, coupled <= streams
      else { throw .unsupportedLayout }
      var mapping = [UInt8](repeating: 0, count: channels)
      for (position, label) in order.enumerated() {
        guard let index = layout.index(of: label) else { throw .unsupportedLayout }
        mapping[index] = listed[position]
      }
      return AudioDescription(
        layout: layout, streams: streams, coupled: coupled, mapping: mapping, packet: packet, bitrate: bitrate,
        constantBitrate: constant)
    }
  }
}

extension Substring {
  fileprivate var trimmed: String {
    var part = self
    while part.first == " " { part.removeFirst() }
    while part.last == " " { part.removeLast() }
    return String(part)
  }
}
