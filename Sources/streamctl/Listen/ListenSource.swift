import AudioCore
import Control
import Glibc
import Wire

/// Where a receiver's packets come from: a session it has opened itself, or a description somebody handed over.
final class ListenSource {
  let receiver: Receiver
  let description: SessionDescription
  /// What the session captures, where that is known.
  let device: String?
  private let session: (client: ControlClient, identifier: JSON)?

  private init(
    receiver: Receiver, description: SessionDescription, device: String?, session: (ControlClient, JSON)?
  ) {
    self.receiver = receiver
    self.description = description
    self.device = device
    self.session = session
  }

  static func open(_ options: Options) throws -> ListenSource {
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
      receiver: receiver, description: description, device: reply["session"]?["device"]?.plain,
      session: (client, reply["session"]?["session"] ?? .null))
  }

  /// Ends the session; the daemon may be gone already.
  func close() {
    guard let session else { return }
    _ = try? session.client.request("session.close", ["session": session.identifier], timeout: .seconds(2))
  }

  private static func passive(_ path: String, bind: String) throws -> ListenSource {
    let description = try parsed(try text(of: path))
    return ListenSource(
      receiver: try bound(bind, port: description.port), description: description, device: nil, session: nil)
  }

  private static func bound(_ address: String, port: UInt16) throws -> Receiver {
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

  private static func text(of path: String) throws -> String {
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
