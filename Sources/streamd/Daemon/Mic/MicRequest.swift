import AudioCore
import Control
import VirtualMic
import Wire

/// What a host says when it opens a client's microphone, and what is made of it.
struct MicRequest {
  enum Way: String, CaseIterable {
    case sealed, gamestream, local
  }

  static let parameters: [VerbParameter] = [
    .optional(
      "protocol", .choice(Way.allCases.map(\.rawValue)), default: "sealed",
      "How its sound arrives: sealed (AES-GCM over UDP), gamestream (what GameStream clients with a microphone send), or "
        + "local (a Unix socket)."),
    .optional("name", .text(maximumBytes: 64), "A name of your own, unique among open microphones."),
    .optional("bind", .text(maximumBytes: 64), "The local address to listen on; left out: any."),
    .optional(
      "port", .integer(0...65535), default: 0, "The local UDP port; several microphones may share one; 0 picks one."),
    .optional("channels", .integer(1...2), default: 1, "Channels of the sound."),
    .optional(
      "own_source", .boolean, default: false, "Also makes a source of its own, so that talkers can be told apart."),
    .optional(
      "rikey", .text(maximumBytes: 64),
      "The session's secret, 32 hexadecimal digits. sealed derives its key from it; gamestream uses it as it is."),
    .optional(
      "rikeyid", .integer(-2_147_483_648...4_294_967_295), default: 0, "gamestream: the launch request's key id."),
    .optional(
      "allow_plaintext", .boolean, default: false,
      "gamestream: takes sound in the clear as well; only with client_ip or ping_payload."),
    .optional("ping_payload", .text(maximumBytes: 64), "gamestream: the 16 characters that the client pings with."),
    .optional("client_ip", .text(maximumBytes: 64), "Takes sound from this address only."),
    .optional("muted", .boolean, default: false, "Starts muted."),
    .optional(
      "while_connected", .boolean, default: false, "Closes the microphone when this connection ends, however it ends."),
  ]

  var way: Way
  var name: String
  var bind: String?
  var port: UInt16
  var channels: Int
  var hasOwnSource: Bool
  var isMuted: Bool
  var hosts: Set<MicHost>?
  private var key: GameStreamKey?
  private var keyID: Int32
  private var allowsPlaintext: Bool
  private var ping: GameStreamPingPayload?

  init(_ arguments: Arguments) throws(ControlError) {
    way = Way(rawValue: try arguments.optional("protocol", as: .string) ?? "sealed") ?? .sealed
    name = try arguments.optional("name", as: .string) ?? ""
    bind = try arguments.optional("bind", as: .string)
    port = UInt16(try arguments.optional("port", as: .integer) ?? 0)
    channels = try arguments.optional("channels", as: .integer) ?? 1
    hasOwnSource = try arguments.optional("own_source", as: .boolean) ?? false
    isMuted = try arguments.optional("muted", as: .boolean) ?? false
    keyID = Int32(truncatingIfNeeded: try arguments.optional("rikeyid", as: .integer) ?? 0)
    allowsPlaintext = try arguments.optional("allow_plaintext", as: .boolean) ?? false
    if let digits = try arguments.optional("rikey", as: .string) {
      do { key = try GameStreamKey(hexadecimal: digits) } catch {
        let what = error == .wrongLength ? "the key has not 32 digits" : "the key holds more than hexadecimal digits"
        throw ControlError(.badArgs, what, path: "rikey")
      }
    }
    if let text = try arguments.optional("ping_payload", as: .string) {
      guard let payload = GameStreamPingPayload(text) else {
        throw ControlError(
          .badArgs, "\(text.utf8.count) bytes; a ping payload is 16 printable characters", path: "ping_payload")
      }
      ping = payload
    }
    if let text = try arguments.optional("client_ip", as: .string) {
      guard let host = MicHost(literal: text) else {
        throw ControlError(.badArgs, "\"\(text)\" is no address", path: "client_ip")
      }
      hosts = [host]
    }
    if way == .sealed, key == nil {
      throw ControlError(
        .badArgs, "a sealed microphone needs a secret", path: "rikey", hint: "32 random hexadecimal digits")
    }
    if way == .gamestream, key == nil, !allowsPlaintext {
      throw ControlError(
        .badArgs, "without a key only plaintext could be heard", path: "rikey", hint: "or allow_plaintext")
    }
    if way == .gamestream, allowsPlaintext, hosts == nil, ping == nil {
      throw ControlError(
        .badArgs, "plaintext from anybody would be anybody's microphone", path: "allow_plaintext",
        hint: "give client_ip or ping_payload")
    }
  }

  /// What is agreed with the client; `session` numbers sealed ones.
  func terms(for talker: TalkerID, session: UInt32) throws(ControlError) -> MicTerms {
    guard way == .sealed, let key else {
      let agreed = MicTerms.GameStream(key: key, keyID: keyID, allowsPlaintext: allowsPlaintext, ping: ping)
      return MicTerms(talker: talker, kind: .gameStream(agreed), hosts: hosts)
    }
    do {
      return MicTerms(
        talker: talker, kind: .sealed(key: try MicKey(from: key, session: session), session: session), hosts: hosts)
    } catch {
      throw ControlError(.internal, "the key could not be derived")
    }
  }
}
