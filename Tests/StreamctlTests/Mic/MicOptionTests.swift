import AudioCore
import Control
import OpusCodec
import Testing
import Wire

@testable import streamctl

/// Words that make no sense together end with a sentence that names them, before anything is opened.
@Suite struct MicOptionTests {
  static let key = "--rikey 000102030405060708090a0b0c0d0e0f"

  private func options(_ words: String) throws -> Options {
    try Options(words.split(separator: " ").map { String($0) }, flags: MicCommand.flags, values: MicCommand.values)
  }

  @Test(arguments: [
    ("--tone 440 --wav x.wav", "--tone, --wav and --source"), ("--tone 440 --source", "--tone, --wav and --source"),
    ("--wav x.wav --source=mic", "--tone, --wav and --source"), ("--tone 440 mic", "unexpected \"mic\""),
    ("--source mic more", "unexpected \"more\""), ("--tone 0", "--tone 0"), ("--level -20", "--level is of a tone"),
    ("--protocol rtp", "sealed, gamestream or local"), ("--tone 440 --frame 7", "2.5, 5, 10 or 20"),
    ("--tone 440 --fec --no-fec", "contradict"), ("--tone 440 --frame 5 --fec", "--fec"),
    ("--tone 440 --bitrate 900000", "bits per second"), ("--tone 440 --channels 3", "--channels 3"),
    ("--source --ppm 100", "--ppm shifts"), ("--tone 440 --lose 101", "--lose 101"),
    ("--tone 440 --lose-burst 2", "--lose-burst"), ("--tone 440 --seed 3", "--seed"),
    ("--tone 440 \(key)", "it needs --to"), ("--tone 440 --session-id 1", "it needs --to"),
    ("--tone 440 --double-padding", "--protocol gamestream"),
    ("--tone 440 --to 127.0.0.1:5000", "--rikey"), ("--tone 440 --to 127.0.0.1 \(key) --session-id 1", "HOST:PORT"),
    ("--tone 440 --to 127.0.0.1:5000 \(key)", "--session-id"),
    ("--tone 440 --to 127.0.0.1:5000 \(key) --session-id 4294967296", "32 bits"),
    ("--tone 440 --to 127.0.0.1:5000 --rikey 12 --session-id 1", "32 hexadecimal"),
    ("--tone 440 --to 127.0.0.1:5000 \(key) --session-id 1 --name x", "--name"),
    ("--tone 440 --to 127.0.0.1:5000 \(key) --rikeyid 1", "--protocol gamestream"),
    ("--protocol gamestream --tone 440 --to 127.0.0.1:5000 \(key)", "--rikeyid"),
    ("--protocol gamestream --tone 440 --to 127.0.0.1:5000 \(key) --session-id 1", "--protocol sealed"),
    ("--protocol local --tone 440 --to 127.0.0.1:5000", "path"),
    ("--protocol local --tone 440 --to /x \(key)", "has no key"),
    ("--wav x.wav --remote y", "--remote"),
  ])
  func contradictionsAreNamed(words: String, named: String) throws {
    let options = try options("send " + words)
    #expect { try MicSendPlan(options) } throws: {
      guard let failure = $0 as? Failure else { return false }
      return failure.status == .usage && failure.message.contains(named)
    }
  }

  @Test func whatIsLeftOutIsUsual() throws {
    let plan = try MicSendPlan(options("send"))
    #expect(plan.voice == .source(nil) && plan.way == .sealed && plan.target == nil && plan.seconds == nil)
    let codec = plan.talk.codec
    #expect(codec.layout == .mono && codec.bitrate == 64_000 && codec.frame == .ms20 && codec.application == .voip)
    #expect(codec.expectedLoss > 0 && !codec.discontinuous && plan.talk.faults == nil)
  }

  @Test func whatIsSaidIsMeant() throws {
    #expect(try MicSendPlan(options("send --source")).voice == .source(nil))
    #expect(try MicSendPlan(options("send --source mic")).voice == .source("mic"))
    #expect(try MicSendPlan(options("send --source=mic")).voice == .source("mic"))
    #expect(try MicSendPlan(options("send --wav x")).voice == .file("x"))
    let plan = try MicSendPlan(
      options("send --tone 440 --level -6 --channels 2 --frame 10 --no-fec --dtx --ppm 50 --lose 5 --seconds 2"))
    #expect(plan.voice == .tone(440, level: Decibels(-6)) && plan.talk.codec.bitrate == 128_000)
    #expect(plan.talk.codec.expectedLoss == 0 && plan.talk.codec.discontinuous && plan.talk.ppm == 50)
    #expect(plan.talk.faults?.loss == 0.05 && plan.talk.length == 96_000)
    let open = try MicSendPlan(
      options("send --protocol gamestream --tone 440 --to [::1]:5000 \(Self.key) --rikeyid -1 --double-padding"))
    guard case .gameStream("::1", 5000, _, keyID: -1)? = open.target else {
      Issue.record("\(String(describing: open.target))")
      return
    }
    #expect(open.padding == .double)
  }

  @Test(arguments: [
    ("", "which action?"), ("sing", "unknown action sing"), ("list --tone 440", "does not know --tone"),
    ("status --muted", "does not know --muted"), ("send --watch", "does not know --watch"), ("close", "id"),
    ("open --channels 3", "--channels 3"),
    ("send --tone 440 --protocol local --to /nonexistent/mic.sock", "/nonexistent/mic.sock"),
    ("send --wav /nonexistent.wav", "/nonexistent.wav: No such file"), ("send --wav /dev/null", "no WAV file"),
  ])
  func actionsKnowTheirOwn(words: String, named: String) throws {
    let options = try options(words)
    #expect { try MicCommand.run(options) } throws: {
      guard let failure = $0 as? Failure else { return false }
      return [.usage, .notFound].contains(failure.status) && failure.message.contains(named)
    }
  }

  @Test func openSaysWhatWasSaid() throws {
    let arguments = try MicOpen.arguments(
      options("open --protocol gamestream --name tv --port 5000 --rikeyid 4294967295 --client-ip ::1 --own-source"))
    #expect(
      arguments == [
        "protocol": "gamestream", "name": "tv", "client_ip": "::1", "port": 5000, "rikeyid": -1, "own_source": true,
      ])
  }
}
