public import AudioCore
public import Wire

/// Decides by a client's pings where its sound goes. Pure: time is an argument.
///
/// A ping that carries the session's payload and a counter that has risen proves the client, wherever it comes from: the
/// destination follows it through a change of address. A bare ping proves no more than its address, so it may name the
/// client once, and a new port only after the old one has gone quiet.
public struct PingPolicy: Sendable {
  public enum Verdict: Equatable, Sendable {
    /// Not this client's.
    case ignored
    case heard
    /// Sound goes to this peer from now on.
    case moved
  }

  /// What may count as this client's ping.
  public struct Terms: Equatable, Sendable {
    /// What numbered pings carry, if the client has been told.
    public var payload: GameStreamPingPayload?
    public var allowsLegacy: Bool
    /// For bare pings: only from this host.
    public var host: PeerAddress?

    public init(payload: GameStreamPingPayload?, allowsLegacy: Bool, host: PeerAddress?) {
      self.payload = payload
      self.allowsLegacy = allowsLegacy
      self.host = host
    }
  }

  public let terms: Terms
  public private(set) var peer: PeerAddress?
  public private(set) var heardAt: HostTime?
  public private(set) var pings: UInt64 = 0
  public private(set) var moves: UInt64 = 0
  public private(set) var ignored: UInt64 = 0
  private var counter: UInt32?

  /// Clients ping twice a second: after three silent ones a bare ping may name another port.
  private static let longestLeap: UInt32 = 10_000
  private static let quiet = HostDuration.milliseconds(1600)

  public init(_ terms: Terms) { self.terms = terms }

  public mutating func take(_ ping: GameStreamPing, from sender: PeerAddress, at now: HostTime) -> Verdict {
    let verdict = judge(ping, sender, now)
    switch verdict {
    case .ignored: ignored += 1
    case .heard, .moved:
      pings += 1
      heardAt = now
      if verdict == .moved {
        if peer != nil { moves += 1 }
        peer = sender
      }
    }
    return verdict
  }

  private mutating func judge(_ ping: GameStreamPing, _ sender: PeerAddress, _ now: HostTime) -> Verdict {
    switch ping {
    case .current(let payload, let number):
      guard let wanted = terms.payload, payload == wanted else { return .ignored }
      // The counter wraps like any serial number. A repeated one is a copy of what somebody overheard; one far ahead would
      // shut the real client out.
      if let counter, !(1...Self.longestLeap).contains(number &- counter) { return .ignored }
      counter = number
      return sender == peer ? .heard : .moved
    case .legacy:
      guard terms.allowsLegacy, counter == nil else { return .ignored }
      if let host = terms.host, !host.isSameHost(as: sender) { return .ignored }
      guard let peer else { return .moved }
      if sender == peer { return .heard }
      guard peer.isSameHost(as: sender), let heardAt, now - heardAt > Self.quiet else { return .ignored }
      return .moved
    }
  }
}
