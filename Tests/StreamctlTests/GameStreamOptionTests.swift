import AudioCore
import Testing
import Wire

@testable import streamctl

/// Words that make no sense together end with a sentence that names them, before anything is opened.
@Suite struct GameStreamOptionTests {
  static let attach = "--gamestream --attach 127.0.0.1:48000 --ping-payload 0123456789ABCDEF"

  @Test(arguments: [
    ("--quality high", "--quality needs --gamestream"), ("--encrypt", "--encrypt needs --gamestream"),
    ("--gamestream --frame 5", "--packet-ms"), ("--gamestream --vbr", "--vbr"),
    ("--gamestream --payload-type 97", "--payload-type"), ("--gamestream --channels 1", "2, 6 and 8"),
    ("--gamestream --packet-ms 7", "5 and 10"), ("--gamestream --quality best", "normal or high"),
    ("--gamestream --channels 6 --quality high --packet-ms 10", "5 ms only"),
    ("--gamestream --surround-params 642", "--surround-params 642"),
    ("--gamestream --channels 8 --surround-params 642012345", "6 channels, not 8"),
    ("--gamestream --key 00", "--key is of a session"), ("--gamestream --sdp x", "--attach"),
    ("--gamestream --legacy-ping --ping-payload 0123456789ABCDEF", "--ping-payload"),
    ("--gamestream --attach 127.0.0.1:48000", "--ping-payload"),
    ("--gamestream --attach 127.0.0.1 --legacy-ping", "HOST:PORT"),
    ("--gamestream --attach :5 --legacy-ping", "HOST:PORT"),
    ("--gamestream --attach 127.0.0.1:70000 --legacy-ping", "HOST:PORT"),
    ("--gamestream --attach 127.0.0.1:48000 --ping-payload 0123", "16 printable"),
    (attach + " --encrypt", "--key"), (attach + " --key 00", "go together"),
    (attach + " --key 00 --key-id 1", "32 hexadecimal"),
    (attach + " --key 000102030405060708090a0b0c0d0e0f --key-id 4294967296", "32 bits"),
    (attach + " --gain 3", "--gain is agreed"), (attach + " --channels 8", "--sdp FILE"),
    (attach + " --channels 8 --sdp /nonexistent", "/nonexistent"),
  ])
  func contradictionsAreNamed(words: String, named: String) throws {
    let options = try Options(
      words.split(separator: " ").map { String($0) }, flags: ListenCommand.flags, values: ListenCommand.values)
    #expect { try ListenSource.open(options) } throws: {
      guard let failure = $0 as? Failure else { return false }
      return [.usage, .notFound].contains(failure.status) && failure.message.contains(named)
    }
  }

  @Test(arguments: ["", " --key 000102030405060708090A0B0C0D0E0F --key-id -1 --packet-ms 10 --quality high"])
  func anOpenSessionCanBeJoined(more: String) throws {
    let words = (Self.attach + more).split(separator: " ").map { String($0) }
    let source = try ListenSource.open(Options(words, flags: ListenCommand.flags, values: ListenCommand.values))
    #expect(source.layout == .stereo && source.receiver.port != 0)
    guard case .gameStream(let agreement, _) = source.stream else {
      Issue.record("no GameStream")
      return
    }
    #expect(agreement.ping?.text == "0123456789ABCDEF")
    #expect(agreement.encryption?.keyID == (more.isEmpty ? nil : -1))
  }
}
