import Control
import Glibc
import TestSupport
import Testing
import Wire

extension DaemonTests {
  /// A client's voice, by every way in and with everything people record with.
  @Suite(.serialized) struct MicInletTests {
    /// The source is there before any client is.
    @Test func itIsListedBeforeAnybodyTalks() throws {
      let field = try MicField()
      try field.startPulse()
      #expect(try field.report()["mics"]?.arrayValue?.isEmpty == true)
      #expect(try field.server.nodes().count { $0 == MicField.source } == 1)
      let listing = try field.run(["wpctl", "status"]).standardOutput
      let sources = try #require(listing.firstRange(of: "Sources:"))
      let end = try #require(listing[sources.upperBound...].firstRange(of: "Source endpoints:"))
      #expect(listing[sources.upperBound..<end.lowerBound].contains(MicField.description), "\(listing)")
      let pulse = try field.run(["pactl", "list", "sources"]).standardOutput
      #expect(pulse.contains("Name: \(MicField.source)\n") && pulse.contains("Description: \(MicField.description)\n"))
      let devices = try field.run(["arecord", "-L"]).standardOutput
      #expect(devices.split(separator: "\n").contains("pipewire"), "\(devices)")
      let ports = try field.run(["pw-jack", "jack_lsp"]).standardOutput
      #expect(ports.contains(MicField.description + ":capture_MONO\n"), "\(ports)")
      // Recorded by somebody while nobody talks: silence, not an error.
      let silence = try field.record(seconds: 1).channels[0]
      #expect(silence.count > 24_000 && silence.allSatisfy { $0 == 0 })
    }

    enum Inlet: String, CaseIterable, Sendable {
      case sealed, plainHeader, packedHeader, doublePadding, plaintext, localOpus, localInteger, localFloat

      static let brief: [Inlet] = [.sealed, .packedHeader, .localFloat]
    }

    @Test(arguments: Breadth.of(Inlet.allCases, brief: Inlet.brief)) func everyWayIn(inlet: Inlet) throws {
      let field = try MicField("local = true")
      let wire: any MicWire =
        switch inlet {
        case .sealed: try field.openSealed().wire
        case .plainHeader: try field.openGameStream(.plain).wire
        case .packedHeader: try field.openGameStream(.packed).wire
        case .doublePadding: try field.openGameStream(.plain, padding: .double).wire
        case .plaintext: try plaintext(field)
        case .localOpus: try LocalWire(path: field.localSocket, kind: .opus)
        case .localInteger: try LocalWire(path: field.localSocket, kind: .s16)
        case .localFloat: try LocalWire(path: field.localSocket, kind: .f32)
        }
      let voice = try MicVoice(wire)
      defer { voice.stop() }
      #expect(try waitUntil(timeout: 10) { try field.report()["mics"]?[0]?["received"]?.intValue ?? 0 > 5 })
      let isCoded = inlet != .localInteger && inlet != .localFloat
      let recording = try field.record(seconds: 3)
      #expect(recording.rate == 48_000)
      let mic = try #require(try field.report()["mics"]?[0])
      try field.judge("\(inlet.rawValue) by pw-record", recording.channels[0], isCoded: isCoded)
      #expect(mic["lost"] == 0 && mic["garbage"] == 0 && mic["state"] == "playing", "\(mic)")
      #expect(try field.report()["state"] != "degraded")
    }

    private func plaintext(_ field: MicField) throws -> GameStreamWire {
      let reply = try field.open(["protocol": "gamestream", "allow_plaintext": true, "client_ip": "127.0.0.1"])
      return try GameStreamWire(port: UInt16(try #require(reply["port"]?.intValue)), secret: nil)
    }

    @Test(arguments: Breadth.of(SourceRecorder.allCases, brief: SourceRecorder.brief)) func everyRecorder(
      recorder: SourceRecorder
    ) throws {
      let field = try MicField()
      let opened = try field.openSealed()
      let voice = try MicVoice(opened.wire)
      defer { voice.stop() }
      try field.waitUntilHeard(opened.id)
      let recording = try field.record(recorder, seconds: 3)
      #expect(recording.rate == 48_000)
      try field.judge("sealed by \(recorder.rawValue)", recording.channels[0])
    }
  }
}
