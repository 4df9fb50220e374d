import AudioCore
import Testing
import Wire

@Suite struct SessionDescriptionTests {
  static func session(_ audio: AudioDescription, captureTime: Bool = false) -> SessionDescription {
    SessionDescription(
      identifier: 77, name: "desk", origin: "127.0.0.1", address: "192.0.2.9", port: 5004, audio: audio,
      captureTimeID: captureTime ? 1 : nil)
  }

  static let mono = AudioDescription(
    layout: .mono, streams: 1, coupled: 0, mapping: [0], packet: 120, bitrate: 64_000)
  static let stereo = AudioDescription(
    layout: .stereo, streams: 1, coupled: 1, mapping: [0, 1], packet: 240, bitrate: 96_000)
  static let surround51 = AudioDescription(
    layout: .surround51, streams: 4, coupled: 2, mapping: [0, 1, 4, 5, 2, 3], packet: 240)
  static let surround71 = AudioDescription(
    layout: .surround71, streams: 5, coupled: 3, mapping: [0, 1, 6, 7, 2, 3, 4, 5], packet: 240)
  static let identity71 = AudioDescription(
    layout: .surround71, streams: 5, coupled: 3, mapping: [0, 1, 2, 3, 4, 5, 6, 7], packet: 240)

  @Test func stereoText() throws {
    #expect(
      try Self.session(Self.stereo, captureTime: true).text() == """
        v=0\r
        o=- 77 1 IN IP4 127.0.0.1\r
        s=desk\r
        c=IN IP4 192.0.2.9\r
        t=0 0\r
        m=audio 5004 RTP/AVP 97\r
        b=AS:186\r
        a=rtpmap:97 opus/48000/2\r
        a=fmtp:97 maxplaybackrate=48000;sprop-maxcapturerate=48000;stereo=1;sprop-stereo=1;maxaveragebitrate=96000;cbr=1\r
        a=ptime:5\r
        a=maxptime:5\r
        a=extmap:1 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r
        a=recvonly\r

        """)
  }

  @Test func monoSaysSo() throws {
    let text = try Self.session(Self.mono).text()
    #expect(text.contains("a=rtpmap:97 opus/48000/2\r\n"))
    #expect(text.contains(";stereo=0;sprop-stereo=0;"))
    #expect(text.contains("a=ptime:2.5\r\n"))
    #expect(!text.contains("extmap"))
  }

  @Test func surroundListsTheOrderOfVorbis() throws {
    let six = try Self.session(Self.surround51).text()
    #expect(six.contains("a=rtpmap:97 multiopus/48000/6\r\n"))
    #expect(six.contains("a=fmtp:97 num_streams=4;coupled_streams=2;channel_mapping=0,4,1,2,3,5\r\n"))
    let eight = try Self.session(Self.surround71).text()
    #expect(eight.contains("a=rtpmap:97 multiopus/48000/8\r\n"))
    #expect(eight.contains("a=fmtp:97 num_streams=5;coupled_streams=3;channel_mapping=0,6,1,4,5,2,3,7\r\n"))
    #expect(try Self.session(Self.identity71).text().contains("channel_mapping=0,2,1,6,7,4,5,3\r\n"))
  }

  @Test func sixAddresses() throws {
    var session = Self.session(Self.stereo)
    (session.origin, session.address) = ("::1", "2001:db8::9")
    let text = try session.text()
    #expect(text.contains("IN IP6 ::1\r\n") && text.contains("c=IN IP6 2001:db8::9\r\n"))
    #expect(try SessionDescription(parsing: text) == session)
  }

  @Test(arguments: [mono, stereo, surround51, surround71, identity71]) func readsWhatItWrites(
    _ audio: AudioDescription
  ) throws {
    var session = Self.session(audio, captureTime: true)
    let back = try SessionDescription(parsing: session.text())
    // Surround has no parameter for the rate's constancy.
    session.audio.constantBitrate = back.audio.constantBitrate
    #expect(back == session)
    #expect(back.audio.constantBitrate == (audio.layout.count <= 2))
  }

  @Test func readsForeignTexts() throws {
    let text = """
      v=0
      o=alice 1 2 IN IP4 host.example
      s=Call
      c=IN IP4 239.1.2.3/15
      b=AS:200
      m=audio 4000 RTP/AVP 96 0
      a=mid:a
      a=rtpmap:0 PCMU/8000
      a=rtpmap:96 OPUS/48000/2
      a=fmtp:96 useinbandfec=1; sprop-stereo=1
      a=extmap:3/recvonly http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time
      m=video 4002 RTP/AVP 98
      c=IN IP4 10.0.0.1
      a=rtpmap:98 H264/90000
      """
    let session = try SessionDescription(parsing: text)
    #expect(session.address == "239.1.2.3" && session.port == 4000 && session.payloadType == 96)
    #expect(session.audio.layout == .stereo && session.audio.packet == 960)
    #expect(session.captureTimeID == 3)
  }

  @Test func refusesToDescribe() {
    var session = Self.session(Self.stereo)
    session.audio.layout = ChannelLayout([.frontLeft, .frontCenter])!
    #expect(throws: SDPError.unsupportedLayout) { try session.text() }
    session = Self.session(Self.surround51)
    session.audio.layout = ChannelLayout([.frontLeft, .frontRight, .frontCenter, .lowFrequency, .sideLeft, .sideRight])!
    #expect(throws: SDPError.unsupportedLayout) { try session.text() }
    session = Self.session(Self.stereo)
    session.name = "a\r\nm=video 1 RTP/AVP 3"
    #expect(throws: SDPError.badField("name")) { try session.text() }
    session = Self.session(Self.stereo)
    session.address = "10.0.0.1\nx"
    #expect(throws: SDPError.badField("address")) { try session.text() }
  }

  @Test func refusesToRead() {
    func refuses(_ text: String, _ expected: SDPError) {
      #expect(throws: expected) { try SessionDescription(parsing: text) }
    }
    refuses("", .noAudio)
    refuses("v=0\nnonsense", .badLine(2))
    refuses("c=IN IP4", .badLine(1))
    refuses("m=audio 70000 RTP/AVP 97", .badLine(1))
    refuses("m=audio 5004 RTP/AVP 97\nc=IN IP4 10.0.0.1\na=rtpmap:97 opus/8000", .badLine(3))
    refuses("c=IN IP4 10.0.0.1\nm=audio 5004 RTP/AVP 97\na=rtpmap:97 L16/48000/2", .unknownEncoding("l16"))
    let surround = "c=IN IP4 10.0.0.1\nm=audio 5004 RTP/AVP 97\na=rtpmap:97 multiopus/48000/6\na=fmtp:97 "
    refuses(surround + "num_streams=4;coupled_streams=2", .unsupportedLayout)
    refuses(surround + "num_streams=4;coupled_streams=2;channel_mapping=0,4,1,2,3,9", .unsupportedLayout)
    refuses(surround + "num_streams=2;coupled_streams=4;channel_mapping=0,4,1,2,3,5", .unsupportedLayout)
    refuses("s=" + String(repeating: "x", count: 20_000), .tooLong)
  }

  @Test func mutations() throws {
    var random = Lehmer(state: 5)
    let texts = try [Self.stereo, Self.surround71].map { try Array(Self.session($0, captureTime: true).text().utf8) }
    var (kept, refused) = (0, 0)
    for round in 0..<20_000 {
      var text = texts[round % 2]
      for _ in 0...random.below(4) { text[random.below(text.count)] = UInt8(random.below(256)) }
      if random.below(4) == 0 { text.removeSubrange(random.below(text.count)...) }
      do {
        let session = try SessionDescription(parsing: String(decoding: text, as: UTF8.self))
        #expect(session.audio.mapping.count == session.audio.layout.count)
        #expect(Set(session.audio.mapping).count == session.audio.layout.count)
        #expect(session.audio.packet.value >= 120)
        kept += 1
      } catch {
        refused += 1
      }
    }
    #expect(kept > 1000 && refused > 1000)
  }
}
