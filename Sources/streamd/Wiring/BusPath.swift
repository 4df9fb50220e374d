import AudioCore
import AudioIO
import Mixer
import Synchronization

/// A downlink that hears what a graph makes: a stream sink's cycle drives it.
///
/// Thread: control, but for what the bus tells.
final class BusPath: SoundPath {
  private let bus: StreamBus
  private var state = StreamState.stopped
  private var blocks: Int
  private var movedAt: HostTime

  /// Longer than any device's cycle.
  private static let patience = HostDuration.milliseconds(400)

  /// `layout` is told what the bus is fed in, before the next block.
  init(_ bus: StreamBus, layout: @escaping @Sendable (ChannelLayout) -> Void, attention: @escaping @Sendable () -> Void)
  {
    self.bus = bus
    blocks = bus.blocks
    movedAt = renderNow()
    bus.observe { news in
      if let news { layout(news) }
      attention()
    }
  }

  func stop() { bus.observe(nil) }

  var facts: Downlink.PathFacts? { nil }

  var report: StreamReport {
    var report = StreamReport()
    report.state = state
    report.format = bus.layout.map { StreamFormat(rate: .codec, layout: $0) }
    report.quantum = bus.quantum
    report.graphRate = SampleRate.codec.hertz
    report.cycles = UInt64(bus.blocks)
    return report
  }

  func attend(at now: HostTime) -> [Downlink.News] {
    let count = bus.blocks
    if count != blocks { (blocks, movedAt) = (count, now) }
    let next = state(at: now)
    guard next != state else { return [] }
    state = next
    return [.state(next)]
  }

  private func state(at now: HostTime) -> StreamState {
    guard bus.layout != nil else {
      return .waiting(
        BackendError(
          .noSource, "no node of the graph feeds the bus \"\(bus.name)\"", hint: "a stream_sink node with this bus"))
    }
    if now - movedAt < Self.patience { return .running(device: "graph bus \(bus.name)") }
    return .waiting(BackendError(.noSource, "the graph does not run", hint: "streamctl graph start"))
  }
}
