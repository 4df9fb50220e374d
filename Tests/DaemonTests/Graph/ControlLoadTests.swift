import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Many who turn knobs at once while the graph plays in short cycles.
  @Suite(.serialized) struct ControlLoadTests {
    /// Every message is answered, in order and well; what the graph loses meanwhile is printed beside what it loses when
    /// nobody says anything.
    @Test func everyMessageIsAnswered() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      try server.setQuantum(64)
      let daemon = try DaemonUnderTest(on: server)
      let edits: JSON = [
        ["op": "create_node", "type": "tone", "name": "t", "args": ["frequency": 997, "level": -20]],
        ["op": "create_node", "type": "gain", "name": "g"], ["op": "create_node", "type": "device_sink", "name": "o"],
        ["op": "connect", "from": "t", "to": "g"], ["op": "connect", "from": "g", "to": "o"],
      ]
      _ = try daemon.client.request("commit", ["edits": edits])
      _ = try daemon.client.request("start")
      let listener = try SinkListener(server)
      let (seconds, rate) = Breadth.isLong ? (20.0, 500.0) : (2.0, 50.0)
      func losses(_ work: () throws -> Void) throws -> Int {
        let before = try daemon.client.request("graph")["stats"] ?? .null
        try work()
        let after = try daemon.client.request("graph")["stats"] ?? .null
        return ["missed_cycles", "overruns"].reduce(0) {
          $0 + (after[$1]?.intValue ?? 0) - (before[$1]?.intValue ?? 0)
        }
      }
      let calm = try losses { usleep(UInt32(seconds * 1e6)) }
      let load = try ControlLoad(path: daemon.socket, clients: 20)
      let busy = try losses { try load.run(seconds: seconds, perSecond: rate) }
      let latencies = load.latencies.sorted()
      #expect(load.sent == latencies.count && load.refused == 0, "\(load.sent), \(latencies.count), \(load.refused)")
      #expect(load.sent >= Int(seconds * rate) * 20 * 9 / 10, "\(load.sent)")
      measured("messages a second", Double(load.sent) / seconds, "")
      measured("cycles lost without messages", Double(calm), "")
      measured("cycles lost with them", Double(busy), "")
      let last = latencies.count - 1
      measured("reply, median", (latencies.isEmpty ? 0 : latencies[last / 2]) * 1000, "ms")
      measured("reply, 99 of 100", (latencies.isEmpty ? 0 : latencies[last * 99 / 100]) * 1000, "ms")
      // The last of them is what is heard.
      _ = try daemon.client.request("set_param", ["id": "g", "param": "gain", "value": 0])
      #expect(
        waitUntil(timeout: 10) {
          abs((ToneVerdict(bestOf: listener.record(seconds: 0.5), frequency: 997)?.level ?? -200) + 20) < 0.1
        })
    }
  }
}

/// Clients that each send a message at even times and read what is answered, all in one thread.
private final class ControlLoad {
  private let clients: [SeedClient]
  private(set) var sent = 0
  private(set) var refused = 0
  private(set) var latencies: [Double] = []
  /// Times of what is not answered yet, oldest first.
  private var open: [[Double]]
  private var rests: [[UInt8]]

  init(path: String, clients count: Int) throws {
    clients = try (0..<count).map { _ in try SeedClient(path: path) }
    open = Array(repeating: [], count: count)
    rests = Array(repeating: [], count: count)
  }

  func run(seconds: Double, perSecond rate: Double) throws {
    let begun = monotonicSeconds()
    var rounds = clients.map { _ in 0 }
    var polls = clients.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    while true {
      let now = monotonicSeconds()
      let isSending = now - begun < seconds
      if !isSending, open.allSatisfy(\.isEmpty) || now - begun > seconds + 10 { break }
      for client in clients.indices where isSending {
        // Each a little after the one before.
        let due = begun + (Double(rounds[client]) + Double(client) / Double(clients.count)) / rate
        guard now >= due else { continue }
        rounds[client] += 1
        let gain = Double(sent % 240) / 10 - 24
        open[client].append(monotonicSeconds())
        clients[client].send(#"{"cmd":"set_param","id":"g","param":"gain","value":\#(gain)}"#)
        sent += 1
      }
      guard poll(&polls, nfds_t(polls.count), 1) > 0 else { continue }
      for client in polls.indices where polls[client].revents & Int16(POLLIN) != 0 { read(client) }
    }
  }

  private func read(_ client: Int) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(clients[client].descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    guard count > 0 else { return }
    rests[client] += buffer[..<count]
    let now = monotonicSeconds()
    while let end = rests[client].firstIndex(of: 0x0A) {
      let line = try? JSON.parse(Array(rests[client][..<end]))
      rests[client].removeSubrange(...end)
      guard let answer = line?["ok"], !open[client].isEmpty else { continue }
      if answer != true { refused += 1 }
      latencies.append(now - open[client].removeFirst())
    }
  }
}
