import Synchronization

/// Where sound passes through a worker thread: others may hear it there on its way. Their clients run in that thread, and owe
/// it the haste that they owe a device's.
public final class HopTap: Sendable {
  private let listeners = Mutex<[RenderClient]>([])

  public init() {}

  /// Thread: any.
  public func add(_ client: RenderClient) { listeners.withLock { $0.append(client) } }

  /// When this returns nothing calls the client any more. Thread: any.
  public func remove(_ client: RenderClient) { listeners.withLock { $0.removeAll { $0 === client } } }

  /// Does something while nothing passes. Thread: any.
  public func whileStill(_ work: () -> Void) { listeners.withLock { _ in work() } }

  /// What passes: `count` frames, interleaved. Thread: the hop's.
  public func pass(
    _ samples: UnsafePointer<Float>, _ layout: ChannelLayout, frames count: FrameCount, time: HostTime, position: Int64,
    flags: CycleFlags = .none
  ) {
    listeners.withLock { listeners in
      guard !listeners.isEmpty else { return }
      withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Float>.self, capacity: layout.count) { planes in
        guard let first = planes.baseAddress else { return }
        for channel in 0..<layout.count {
          (first + channel).initialize(to: UnsafeMutablePointer(mutating: samples + channel))
        }
        let frames = count.value
        let cycle = Cycle(
          frames: frames, time: time, position: position, quantum: frames, layout: layout, flags: flags,
          input: Block(channels: first, channelCount: layout.count, frames: frames, stride: layout.count),
          output: Block(channels: first, channelCount: 0, frames: frames))
        for listener in listeners { renderDispatch(Unmanaged.passUnretained(listener), cycle) }
      }
    }
  }
}
