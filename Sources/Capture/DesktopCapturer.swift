public import AudioCore
import Synchronization

/// What the desktop plays, chunk by chunk, for a program that does its own encoding.
///
/// `nextChunk` blocks; an empty chunk means nothing to hear right now; an error means the capturer is dead and should be
/// opened again. A consumer that lags loses audio, which is counted, and never holds up the capture.
public final class DesktopCapturer: @unchecked Sendable {
  /// What a capturer reads from; made where the rooms are joined.
  public struct Feed: ~Copyable {
    var reader: AudioRing.Reader
    let signal: WakeSignal
    let layout: ChannelLayout
    /// Frames the capture dropped because the ring was full.
    let floodedFrames: @Sendable () -> Int
    let isAlive: @Sendable () -> Bool
    let close: @Sendable () -> Void

    public init(
      reader: consuming AudioRing.Reader, signal: WakeSignal, layout: ChannelLayout,
      floodedFrames: @escaping @Sendable () -> Int, isAlive: @escaping @Sendable () -> Bool,
      close: @escaping @Sendable () -> Void
    ) {
      self.reader = reader
      self.signal = signal
      self.layout = layout
      self.floodedFrames = floodedFrames
      self.isAlive = isAlive
      self.close = close
    }
  }

  public struct Dead: Error, Sendable, Equatable {
    public init() {}
  }

  private var feed: Feed
  private let order: [Int]
  private let idleTimeout: HostDuration
  private static let largestChunk = 2048

  public init(_ feed: consuming Feed, idleTimeout: HostDuration = .milliseconds(250)) {
    order = Array(0..<feed.layout.count)
    self.idleTimeout = idleTimeout
    self.feed = feed
  }

  deinit { feed.close() }

  /// Interleaved channels per frame, in the order FL FR FC LFE RL RR SL SR.
  public var channels: Int { order.count }

  /// Frames lost because nobody asked for chunks in time.
  public var droppedFrames: Int { feed.floodedFrames() }

  /// The next interleaved samples at 48 kHz; empty after the idle timeout. Thread: the one consumer.
  public func nextChunk() throws(Dead) -> [Float] {
    let deadline = renderNow() + idleTimeout
    while true {
      guard feed.isAlive() else { throw Dead() }
      let ticket = feed.signal.ticket
      let frames = min(feed.reader.available.value, Self.largestChunk)
      if frames > 0 {
        var chunk = [Float](repeating: 0, count: frames * order.count)
        chunk.withUnsafeMutableBufferPointer {
          _ = feed.reader.readInterleaved(FrameCount(frames), order: order, into: $0.baseAddress!)
        }
        return chunk
      }
      guard renderNow() < deadline else { return [] }
      feed.signal.wait(since: ticket, until: deadline)
    }
  }

  /// Forgets what was captured and not yet read: for a capturer that is used again after a pause.
  public func drain() {
    feed.reader.release(feed.reader.available)
  }
}
