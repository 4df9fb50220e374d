import CLinux
import Control
import Glibc
import TestSupport
import Testing
import Wire

extension DaemonTests {
  /// What hosts may ask for, and what they are told when they may not.
  @Suite(.serialized) struct MicVerbTests {
    @Test func badInputIsNamed() throws {
      let field = try MicField()
      let key = JSON(MicField.secret)
      let taken = try field.openSealed(["name": "sofa"])
      let blocker = try BoundPort()
      let cases: [(arguments: JSONObject, code: String, path: String?)] = [
        ([:], "bad_args", "rikey"),
        (["rikey": "00"], "bad_args", "rikey"),
        (["rikey": JSON(String(repeating: "zz", count: 16))], "bad_args", "rikey"),
        (["rikey": 5], "bad_args", "rikey"),
        (["rikey": key, "protocol": "morse"], "bad_args", "protocol"),
        (["rikey": key, "port": 70_000], "bad_args", "port"),
        (["rikey": key, "port": -1], "bad_args", "port"),
        (["rikey": key, "port": JSON(Int(blocker.port))], "conflict", "port"),
        (["rikey": key, "channels": 3], "bad_args", "channels"),
        (["rikey": key, "bind": "nowhere"], "bad_args", "bind"),
        (["rikey": key, "bind": "203.0.113.9"], "bad_args", "bind"),
        (["rikey": key, "client_ip": "localhost"], "bad_args", "client_ip"),
        (["rikey": key, "muted": "yes"], "bad_args", "muted"),
        (["rikey": key, "own_source": 1], "bad_args", "own_source"),
        (["rikey": key, "name": JSON(String(repeating: "x", count: 65))], "bad_args", "name"),
        (["rikey": key, "name": "sofa"], "conflict", "name"),
        (["rikey": key, "colour": "red"], "bad_args", "colour"),
        (["protocol": "gamestream"], "bad_args", "rikey"),
        (["protocol": "gamestream", "allow_plaintext": true], "bad_args", "allow_plaintext"),
        (["protocol": "gamestream", "rikey": key, "ping_payload": "short"], "bad_args", "ping_payload"),
        (["protocol": "gamestream", "rikey": key, "rikeyid": 5_000_000_000], "bad_args", "rikeyid"),
        (["protocol": "gamestream", "rikey": key, "rikeyid": 0.5], "bad_args", "rikeyid"),
      ]
      for (index, bad) in cases.enumerated() {
        let error = try refusal(field, "mic.open", bad.arguments)
        #expect(
          error["code"]?.stringValue == bad.code && error["path"]?.stringValue == bad.path, "case \(index): \(error)")
      }
      for (verb, arguments) in [("mic.close", ["mic": "m99"]), ("mic.update", ["mic": "m99", "muted": true])]
        as [(String, JSONObject)]
      {
        let error = try refusal(field, verb, arguments)
        #expect(error["code"] == "not_found" && error["path"] == "mic", "\(error)")
      }
      #expect(try refusal(field, "mic.update", ["mic": "sofa"])["path"] == "muted")
      let mics = try #require(try field.report()["mics"]?.arrayValue)
      #expect(mics.count == 1 && mics[0]["mic"]?.stringValue == taken.id, "\(mics)")
    }

    /// A port is shared by those who listen on the same address. One that was to be reached from here only is never put on a
    /// port that everybody reaches.
    @Test func anAddressIsKept() throws {
      let field = try MicField()
      let wide = try field.openSealed()
      let port = JSON(Int(wide.wire.port))
      let narrow: JSONObject = ["rikey": .string(MicField.secret), "bind": "127.0.0.1"]
      let error = try refusal(field, "mic.open", narrow.with(["port": port]))
      #expect(error["code"] == "conflict" && error["path"] == "port", "\(error)")
      let first = try field.openSealed(["bind": "127.0.0.1"])
      let shared = JSON(Int(first.wire.port))
      let second = try field.openSealed(["bind": "127.0.0.1", "port": shared])
      #expect(second.wire.port == first.wire.port)
      #expect(
        try refusal(field, "mic.open", ["rikey": .string(MicField.secret), "port": shared])["code"] == "conflict")
      #expect(try field.openSealed(["bind": "127.0.0.2", "port": shared]).wire.port == first.wire.port)
      #expect(try field.report()["ports"]?.arrayValue?.count == 3)
    }

    /// As many as there may be, one more, and all of them gone again.
    @Test func thereIsALimit() throws {
      let field = try MicField()
      let descriptors = field.daemon.descriptors
      let first = try field.openSealed()
      let more = try (1..<32).map { _ in try field.openSealed(["port": JSON(Int(first.wire.port))]) }
      let error = try refusal(field, "mic.open", ["rikey": .string(MicField.secret)])
      #expect(error["code"] == "busy", "\(error)")
      for one in [first] + more { _ = try field.daemon.client.request("mic.close", ["mic": .string(one.id)]) }
      #expect(try field.report()["mics"]?.arrayValue?.isEmpty == true)
      #expect(waitUntil(timeout: 10) { field.daemon.descriptors <= descriptors })
      let voice = try MicVoice(try field.openSealed().wire)
      defer { voice.stop() }
      #expect(try waitUntil(timeout: 10) { try field.report()["mics"]?[0]?["received"]?.intValue ?? 0 > 5 })
    }

    /// Nobody but its user reaches the local socket, and it is there only when somebody wants it.
    @Test func theLocalSocketIsTheUsers() throws {
      let field = try MicField()
      #expect(access(field.localSocket, F_OK) != 0)
      let reply = try field.open(["protocol": "local"])
      #expect(reply["path"]?.stringValue == field.localSocket)
      let file = try #require(FileFacts(of: field.localSocket))
      #expect(file.isSocket && file.permissions == 0o600 && file.owner == geteuid())
      // Asked for twice it is the same.
      #expect(try field.open(["protocol": "local"])["path"]?.stringValue == field.localSocket)
      let voice = try MicVoice(try LocalWire(path: field.localSocket, kind: .f32))
      #expect(try waitUntil(timeout: 10) { try field.report()["mics"]?[0]?["received"]?.intValue ?? 0 > 5 })
      let mic = try #require(try field.report()["mics"]?[0])
      #expect(mic["pid"]?.intValue == Int(getpid()) && mic["protocol"] == "local", "\(mic)")
      // Shut out by the host, a program is gone for good; it may come again.
      _ = try field.daemon.client.request("mic.close", ["mic": mic["mic"] ?? .null])
      #expect(try field.report()["mics"]?.arrayValue?.isEmpty == true)
      voice.stop()
      field.daemon.stop()
      #expect(access(field.localSocket, F_OK) != 0, "the socket outlives the daemon")
    }

    private func refusal(_ field: MicField, _ verb: String, _ arguments: JSONObject) throws -> JSON {
      do throws(ControlClientError) {
        let reply = try field.daemon.client.request(verb, arguments)
        Issue.record("\(verb) \(arguments): \(reply)")
      } catch {
        guard case .refused(let error) = error else { throw error }
        return ["code": JSON(error.code.rawValue), "path": error.path.map { JSON($0) } ?? .null]
      }
      return .null
    }
  }
}

/// A UDP port that somebody else has.
private final class BoundPort {
  let port: UInt16
  private let descriptor: Int32

  init() throws {
    let descriptor = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    self.descriptor = descriptor
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard bound else { throw SupportError("no port: \(errno)") }
    port = UInt16(bigEndian: address.sin6_port)
  }

  deinit { close(descriptor) }
}
