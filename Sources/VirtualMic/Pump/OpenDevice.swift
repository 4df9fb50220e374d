import AudioCore

/// One device while it lives, and the lanes talkers have in it. A device without lanes of its own has room for one talker
/// at a time: what two say must never be strung together.
/// Thread: the pump's.
final class OpenDevice {
  enum Outcome: Hashable {
    case taken
    /// No lane is free.
    case crowded
    case dead
  }

  private struct Lane {
    let sink: any VirtualMicrophone
    var gap: PushGap
  }

  let since: HostTime
  private let device: any VirtualMicrophone
  private let staleGap: HostDuration
  private var lanes: [TalkerID: Lane] = [:]
  private let scratch: UnsafeMutableBufferPointer<Float>

  private static let piece = 960

  init(_ device: any VirtualMicrophone, since: HostTime, staleGap: HostDuration) {
    self.device = device
    self.since = since
    self.staleGap = staleGap
    scratch = .allocate(capacity: Self.piece * 2)
  }

  deinit { scratch.deallocate() }

  var isAlive: Bool { device.isAlive }

  /// Pushes a talker's sound into its lane, without what is left there from before a pause.
  func push(
    _ samples: UnsafeBufferPointer<Float>, channels: Int, of talker: TalkerID, at now: HostTime
  ) -> Outcome {
    guard var lane = lanes[talker] ?? makeLane(for: talker, at: now) else { return .crowded }
    if lane.gap.isStale(at: now) { lane.sink.discard() }
    lane.gap.pushed(at: now)
    lanes[talker] = lane
    return send(samples, channels, to: lane.sink) ? .taken : .dead
  }

  /// Nothing said before now will be heard.
  func silence(_ talker: TalkerID) { lanes[talker]?.sink.discard() }

  func close(_ talker: TalkerID) {
    guard let lane = lanes.removeValue(forKey: talker) else { return }
    lane.sink.discard()
    (device as? any LanedMicrophone)?.closeLane(for: talker)
  }

  private func makeLane(for talker: TalkerID, at now: HostTime) -> Lane? {
    if let sink = freeLane(for: talker) { return Lane(sink: sink, gap: PushGap(limit: staleGap)) }
    let quiet = lanes.filter { $0.value.gap.isStale(at: now) }
    let oldest = quiet.min { a, b in
      let (x, y) = (a.value.gap.last?.nanoseconds ?? .min, b.value.gap.last?.nanoseconds ?? .min)
      return (x, a.key.number) < (y, b.key.number)
    }
    guard let oldest else { return nil }
    close(oldest.key)
    return freeLane(for: talker).map { Lane(sink: $0, gap: PushGap(limit: staleGap)) }
  }

  private func freeLane(for talker: TalkerID) -> (any VirtualMicrophone)? {
    if let laned = device as? any LanedMicrophone { return laned.openLane(for: talker) }
    return lanes.isEmpty ? device : nil
  }

  private func send(_ samples: UnsafeBufferPointer<Float>, _ channels: Int, to sink: any VirtualMicrophone) -> Bool {
    let wanted = device.channels
    if wanted == channels { return sink.push(samples) }
    var rest = samples[...]
    while !rest.isEmpty {
      let count = min(rest.count, Self.piece * channels)
      let part = UnsafeBufferPointer(rebasing: rest.prefix(count))
      ChannelFold.fold(part, from: channels, into: scratch, channels: wanted)
      guard sink.push(UnsafeBufferPointer(rebasing: scratch[..<(count / channels * wanted)])) else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
