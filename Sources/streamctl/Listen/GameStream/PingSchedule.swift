import AudioCore
import Wire

/// When a client pings, and with what: every half second for the whole session, the counter rising from 1.
struct PingSchedule: Sendable {
  let payload: GameStreamPingPayload?
  private(set) var sent: UInt32 = 0
  private var due: HostTime?

  static let interval = HostDuration.milliseconds(500)

  init(_ payload: GameStreamPingPayload?) { self.payload = payload }

  /// The ping that is due now, if one is. What was missed is not made up for.
  mutating func next(at now: HostTime) -> [UInt8]? {
    let time = due ?? now
    guard time <= now else { return nil }
    due = now - time < Self.interval ? time + Self.interval : now + Self.interval
    sent &+= 1
    let ping: GameStreamPing = payload.map { .current($0, counter: sent) } ?? .legacy
    var datagram = [UInt8](repeating: 0, count: ping.length)
    datagram.withUnsafeMutableBytes { ping.write(into: $0) }
    return datagram
  }

  /// When to ask again; nil before the first.
  var nextDue: HostTime? { due }
}
