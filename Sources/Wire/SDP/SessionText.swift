import AudioCore

/// Writing a session description.
extension SessionDescription {
  /// The SDP text, lines ended by CR LF.
  public func text() throws(SDPError) -> String {
    for (field, value) in [("origin", origin), ("address", address)] {
      let sound = value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !value.isEmpty
      guard sound else { throw .badField(field) }
    }
    guard !name.isEmpty, name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .badField("name") }
    let (encoding, format) = try audioLines()
    var lines = [
      "v=0",
      "o=- \(identifier) \(version) IN \(Self.family(origin)) \(origin)",
      "s=\(name)",
      "c=IN \(Self.family(address)) \(address)",
      "t=0 0",
      "m=audio \(port) RTP/AVP \(payloadType)",
    ]
    if let bitrate = audio.bitrate { lines.append("b=AS:\(grossKilobits(bitrate))") }
    lines.append("a=rtpmap:\(payloadType) \(encoding)")
    lines.append("a=fmtp:\(payloadType) \(format)")
    lines.append("a=ptime:\(Self.milliseconds(audio.packet))")
    lines.append("a=maxptime:\(Self.milliseconds(audio.packet))")
    if let id = captureTimeID { lines.append("a=extmap:\(id) \(Self.captureTimeURI)") }
    lines.append("a=recvonly")
    return lines.map { $0 + "\r\n" }.joined()
  }

  private func audioLines() throws(SDPError) -> (encoding: String, format: String) {
    let channels = audio.layout.count
    if channels <= 2 {
      guard audio.streams == 1, audio.layout == .mono || audio.layout == .stereo else { throw .unsupportedLayout }
      let stereo = channels == 2 ? 1 : 0
      var parts = ["maxplaybackrate=48000", "sprop-maxcapturerate=48000", "stereo=\(stereo)", "sprop-stereo=\(stereo)"]
      if let bitrate = audio.bitrate { parts.append("maxaveragebitrate=\(bitrate)") }
      parts.append("cbr=\(audio.constantBitrate ? 1 : 0)")
      // RFC 7587: always two channels here; the parameters tell what is in them.
      return ("opus/48000/2", parts.joined(separator: ";"))
    }
    guard let listed = audio.wireMapping else { throw .unsupportedLayout }
    let mapping = listed.map { String($0) }.joined(separator: ",")
    return (
      "multiopus/48000/\(channels)",
      "num_streams=\(audio.streams);coupled_streams=\(audio.coupled);channel_mapping=\(mapping)"
    )
  }

  /// The bandwidth line counts IP, UDP and RTP headers.
  private func grossKilobits(_ bitrate: Int) -> Int {
    let headers = (captureTimeID == nil ? 40 : 56) * 8 * 48_000 / max(audio.packet.value, 1)
    return (bitrate + headers + 999) / 1000
  }

  private static func family(_ address: String) -> String { address.utf8.contains(UInt8(ascii: ":")) ? "IP6" : "IP4" }

  private static func milliseconds(_ frames: FrameCount) -> String {
    let tenths = frames.value * 10 / 48
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}
