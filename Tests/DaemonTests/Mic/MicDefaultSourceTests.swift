import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// `mic.make_default` in the real daemon: the user's choice is borrowed while a client may talk, and given back.
  @Suite(.serialized) struct MicDefaultSourceTests {
    @Test func borrowedWhileConnected() throws {
      let field = try chosenWebcam()
      #expect(try configured(field) == "webcam")
      let opened = try field.openSealed()
      #expect(try waitUntil(timeout: 10) { try effective(field) == MicField.source })
      #expect(try waitUntil(timeout: 10) { try field.report()["default"] == "claimed" })
      // Who asks for no microphone in particular hears the client.
      let voice = try MicVoice(opened.wire)
      defer { voice.stop() }
      try field.waitUntilHeard(opened.id)
      let recorder = try field.server.start(["pw-record", field.server.runtimeDirectory + "/default.wav"])
      #expect(try waitUntil(timeout: 10) { try field.report()["recorders"] == 1 })
      recorder.stop()
      _ = try field.daemon.client.request("mic.close", ["mic": .string(opened.id)])
      #expect(try waitUntil(timeout: 30) { try effective(field) == "webcam" && configured(field) == "webcam" })
      #expect(try field.report()["default"] == "idle")
    }

    @Test func givenBackByTheNextStart() throws {
      let field = try chosenWebcam()
      _ = try field.openSealed()
      #expect(try waitUntil(timeout: 10) { try configured(field) == MicField.source })
      #expect(try waitUntil(timeout: 10) { try field.report()["default"] == "claimed" })
      field.daemon.signal(SIGKILL)
      _ = field.daemon.wait()
      #expect(try configured(field) == MicField.source)
      try field.startDaemon()
      #expect(try waitUntil(timeout: 15) { try configured(field) == "webcam" && effective(field) == "webcam" })
      // And once more it is lent and given back, when the daemon ends as it should.
      _ = try field.openSealed()
      #expect(try waitUntil(timeout: 10) { try effective(field) == MicField.source })
      field.daemon.stop()
      #expect(try waitUntil(timeout: 10) { try configured(field) == "webcam" })
    }

    @Test func neverIsNever() throws {
      let field = try MicField()
      _ = try field.openSealed()
      usleep(1_500_000)
      #expect(try configured(field) == nil && effective(field) == PrivatePipeWire.microphoneName)
    }

    private func chosenWebcam() throws -> MicField {
      let field = try MicField(#"make_default = "while_connected""#)
      try field.server.createNode("webcam", mediaClass: "Audio/Source/Virtual", channels: 1)
      try field.server.setDefault("source", "webcam")
      #expect(try waitUntil(timeout: 10) { try effective(field) == "webcam" })
      // A choice counts when it has stood for a while.
      usleep(1_000_000)
      return field
    }

    private func effective(_ field: MicField) throws -> String? { try metadata(field, "default.audio.source") }
    private func configured(_ field: MicField) throws -> String? {
      try metadata(field, "default.configured.audio.source")
    }

    private func metadata(_ field: MicField, _ key: String) throws -> String? {
      let lines = try field.server.run(["pw-metadata", "0", key]).standardOutput.split(separator: "\n")
      guard let line = lines.last(where: { $0.contains("key:'\(key)'") }), let name = line.firstRange(of: "\"name\"")
      else { return nil }
      let parts = line[name.upperBound...].split(separator: "\"")
      return parts.count > 1 ? String(parts[1]) : nil
    }
  }
}
