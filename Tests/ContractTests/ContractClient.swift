import AudioCore
import AudioIO
import Synchronization

/// Watches a stream from both of its sides and counts what breaks the contract.
final class ContractClient: RenderClient, @unchecked Sendable {
  let cycles = Atomic<Int>(0)
  /// Calls whose position lies before the end of the call before.
  let positionFaults = Atomic<Int>(0)
  let timeFaults = Atomic<Int>(0)
  /// Blocks in a format that was not announced before them.
  let formatFaults = Atomic<Int>(0)
  /// Outputs that were not silent when the call began, and blocks of the wrong shape.
  let blockFaults = Atomic<Int>(0)
  let lastChannels = Atomic<Int>(0)
  private let announcedChannels = Atomic<Int>(0)
  private let log = Mutex<[StreamEvent]>([])
  // Render thread.
  private var nextPosition = Int64.min
  private var lastTime = HostTime(nanoseconds: Int64.min)
  private let isPlayer: Bool

  init(role: StreamRole.Kind) { isPlayer = role == .playback || role == .feed || role == .virtualSource }

  override func render(_ cycle: Cycle) {
    if cycle.position < nextPosition { positionFaults.add(1, ordering: .relaxed) }
    nextPosition = cycle.position + Int64(cycle.frames)
    if cycle.time < lastTime { timeFaults.add(1, ordering: .relaxed) }
    lastTime = cycle.time
    if cycle.layout.count != announcedChannels.load(ordering: .acquiring) { formatFaults.add(1, ordering: .relaxed) }
    lastChannels.store(cycle.layout.count, ordering: .relaxed)
    let (block, other) = isPlayer ? (cycle.output, cycle.input) : (cycle.input, cycle.output)
    if block.channelCount != cycle.layout.count || block.frames != cycle.frames || cycle.frames <= 0 {
      blockFaults.add(1, ordering: .relaxed)
    }
    if other.channelCount != 0 { blockFaults.add(1, ordering: .relaxed) }
    if isPlayer { checkSilence(block) }
    cycles.add(1, ordering: .releasing)
  }

  private func checkSilence(_ block: Block) {
    for channel in 0..<block.channelCount {
      for frame in 0..<block.frames where block.channel(channel)[frame * block.stride] != 0 {
        blockFaults.add(1, ordering: .relaxed)
        return
      }
    }
  }

  func heard(_ event: StreamEvent) {
    if case .format(let format) = event { announcedChannels.store(format.layout.count, ordering: .releasing) }
    log.withLock { $0.append(event) }
  }

  var cycleCount: Int { cycles.load(ordering: .acquiring) }
  var events: [StreamEvent] { log.withLock { $0 } }
  var states: [StreamState] {
    events.compactMap { if case .state(let state) = $0 { state } else { nil } }
  }
  var lastState: StreamState? { states.last }
  var isRunning: Bool { if case .running = lastState { true } else { false } }
  var waitsFor: BackendError.Code? { if case .waiting(let error) = lastState { error.code } else { nil } }

  var faults: [Int] {
    [
      positionFaults.load(ordering: .relaxed), timeFaults.load(ordering: .relaxed),
      formatFaults.load(ordering: .relaxed), blockFaults.load(ordering: .relaxed),
    ]
  }
}
