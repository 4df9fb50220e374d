import AudioCore
import Control
import Glibc
import OpusCodec

/// A microphone that is opened over the control socket for one talk, under a key that nobody else has.
final class OwnMicrophone {
  let target: MicSendPlan.Target
  private let client: ControlClient
  /// A local one is known when it connects, and goes by itself.
  private let name: JSON

  init(_ plan: MicSendPlan, name: String?, client: ControlClient) throws {
    self.client = client
    let digits = Endpoint.randomKey()
    let keyID = Int32.random(in: .min ... .max)
    var arguments: JSONObject = [
      "protocol": .string(plan.way.rawValue), "channels": JSON(plan.talk.codec.layout.count),
      // Should this program die, its microphone dies with it.
      "while_connected": true,
    ]
    if let name { arguments["name"] = .string(name) }
    if plan.way != .local { arguments["rikey"] = .string(digits) }
    if plan.way == .gamestream { arguments["rikeyid"] = JSON(Int(keyID)) }
    let reply = try client.request("mic.open", arguments)
    self.name = reply["mic"]?["mic"] ?? .null
    let key = try Endpoint.key(digits, of: "key")
    let port = reply["port"]?.intValue.flatMap { UInt16(exactly: $0) }
    // Numbers beyond 53 bits are not safe in JSON, so this one is text.
    let session = reply["session_id"].flatMap { UInt32($0.plain) }
    switch (plan.way, port, session, reply["path"]?.stringValue) {
    case (.sealed, let port?, let session?, _):
      target = .sealed(host: "127.0.0.1", port: port, key, session: session)
    case (.gamestream, let port?, _, _): target = .gameStream(host: "127.0.0.1", port: port, key, keyID: keyID)
    case (.local, _, _, let path?): target = .local(path: path)
    default:
      throw Failure(.refused, "no_way_in", "the daemon named no way to its microphone; is it older than this program?")
    }
  }

  /// What the host knows of it.
  func facts() -> JSON? {
    guard let list = try? client.request("mic.list", timeout: .seconds(2)) else { return nil }
    let mics = list["mic"]?["mics"]?.arrayValue ?? []
    return mics.first { name.isNull ? $0["pid"]?.intValue == Int(getpid()) : $0["mic"] == name }
  }

  /// The daemon may be gone already.
  func close() {
    guard !name.isNull else { return }
    _ = try? client.request("mic.close", ["mic": name], timeout: .seconds(2))
  }
}
