import AudioCore

/// A reception behind a bad network.
final class FaultyReception: Reception, @unchecked Sendable {
  private let reception: any Reception
  private var injector: FaultInjector
  /// Of the newest datagram; it moves by nothing that matters here.
  private var wallOffset: Int64 = 0

  init(_ reception: any Reception, _ plan: FaultPlan) {
    self.reception = reception
    injector = FaultInjector(plan)
  }

  func take(_ datagram: UnsafeRawBufferPointer, at now: HostTime, wallOffset: Int64) {
    self.wallOffset = wallOffset
    injector.take(datagram, at: now)
    pass(at: now)
  }

  func play(at now: HostTime) -> HostTime? {
    pass(at: now)
    let due = reception.play(at: now)
    return [due, injector.due].compactMap { $0 }.min()
  }

  func outgoing(at now: HostTime) -> [UInt8]? { reception.outgoing(at: now) }

  func snapshot() -> ReceiverSnapshot {
    var snapshot = reception.snapshot()
    snapshot.injected = injector.counts
    return snapshot
  }

  func facts() -> (summary: Summary, newest: [[Float]]) {
    var facts = reception.facts()
    facts.summary.injected = injector.counts
    return facts
  }

  private func pass(at now: HostTime) {
    while true {
      // Asked for first: it says when the datagram came, to this reception.
      guard let due = injector.due, let bytes = injector.next(at: now) else { return }
      bytes.withUnsafeBytes { reception.take($0, at: min(due, now), wallOffset: wallOffset) }
    }
  }
}
