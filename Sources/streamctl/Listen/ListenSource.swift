import AudioCore
import Control
import Glibc
import Wire

/// Where a receiver's packets come from: a session it has opened itself, or one that somebody else has.
final class ListenSource {
  /// What is known of the stream before its first packet.
  enum Stream {
    case rtp(SessionDescription)
    case gameStream(GameStreamAgreement, SocketPeer)
  }

  let receiver: Receiver
  let stream: Stream
  let layout: ChannelLayout
  /// What the session captures, where that is known.
  let device: String?
  private let session: (client: ControlClient, identifier: JSON)?

  init(
    receiver: Receiver, stream: Stream, layout: ChannelLayout, device: String? = nil,
    session: (ControlClient, JSON)? = nil
  ) {
    self.receiver = receiver
    self.stream = stream
    self.layout = layout
    self.device = device
    self.session = session
  }

  static func open(_ options: Options) throws -> ListenSource {
    if options.has("--gamestream") { return try GameStreamSource.open(options) }
    try GameStreamSource.refuseOptions(options)
    if let path = options.value("--sdp") { return try passive(path, bind: options.value("--bind") ?? "0.0.0.0") }
    // The port comes first, so that the session's first packet already has somewhere to go.
    let address = options.value("--bind") ?? "127.0.0.1"
    let receiver = try bound(address, port: 0)
    let client = try options.connect()
    var arguments = try SessionCommand.arguments(options)
    arguments["to"] = .string(address.contains(":") ? "[\(address)]:\(receiver.port)" : "\(address):\(receiver.port)")
    // Should this program die, its session dies with it.
    arguments["while_connected"] = true
    let reply = try client.request("session.open", arguments)
    let description = try parsed(reply["sdp"]?.plain ?? "")
    return ListenSource(
      receiver: receiver, stream: .rtp(description), layout: description.audio.layout,
      device: reply["session"]?["device"]?.plain, session: (client, reply["session"]?["session"] ?? .null))
  }

  /// Begins to receive, through a bad network if one is asked for.
  func start(wav: consuming WAVWriter?, sink: (any SoundSink)?, faults: FaultPlan?) throws {
    do throws(ReceiverError) {
      let reception: any Reception
      var peer: SocketPeer?
      switch stream {
      case .rtp(let description): reception = try ReceiverState(description, wav: wav, sink: sink)
      case .gameStream(let agreement, let host):
        reception = try GameStreamReception(agreement, wav: wav, sink: sink)
        peer = host
      }
      try receiver.start(faults.map { FaultyReception(reception, $0) } ?? reception, peer: peer)
    } catch {
      throw Failure(.refused, error.code, error.message)
    }
  }

  /// Ends the session; the daemon may be gone already.
  func close() {
    guard let session else { return }
    _ = try? session.client.request("session.close", ["session": session.identifier], timeout: .seconds(2))
  }

  private static func passive(_ path: String, bind: String) throws -> ListenSource {
    let description = try parsed(try text(of: path))
    return ListenSource(
      receiver: try bound(bind, port: description.port), stream: .rtp(description), layout: description.audio.layout)
  }

  static func bound(_ address: String, port: UInt16) throws -> Receiver {
    do throws(ReceiverError) {
      return try Receiver(address: address, port: port)
    } catch {
      throw Failure(.refused, error.code, error.message)
    }
  }

  private static func parsed(_ text: String) throws -> SessionDescription {
    do throws(SDPError) {
      return try SessionDescription(parsing: text)
    } catch {
      throw Failure(.usage, "sdp", "the session description cannot be used: \(error)")
    }
  }

  static func text(of path: String) throws -> String {
    let descriptor = path == "-" ? 0 : Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(.notFound, "sdp", "\(path): \(String(cString: strerror(errno)))") }
    defer { if descriptor != 0 { Glibc.close(descriptor) } }
    // No description is longer.
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var length = 0
    while length < bytes.count {
      let count = bytes[length...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { break }
      length += count
    }
    return String(decoding: bytes[..<length], as: UTF8.self)
  }
}
