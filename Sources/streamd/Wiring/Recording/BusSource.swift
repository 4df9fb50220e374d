public import AudioCore
public import AudioIO
import Mixer
public import Recording

/// What a downlink hears: a sink's sound, or a bus of the graph. A thread of its own takes each block from a ring as soon as
/// it is there.
public final class BusSource: RecordingSource {
  public let format: StreamFormat
  private let downlink: Downlink
  private let bus: BusOutput
  private var pump: BusPump?

  /// Half a second for the thread to be late.
  private static let room = FrameCount(24_000)

  public var key: Downlink.Key { downlink.key }

  public init(_ downlink: Downlink, layout: ChannelLayout, isLimited: Bool = false, gain: Decibels = Decibels(0)) {
    self.downlink = downlink
    format = StreamFormat(rate: .codec, layout: layout)
    bus = BusOutput(layout: layout, capacity: Self.room, isLimited: isLimited)
    bus.setGain(gain)
  }

  public func start(
    _ client: RecorderClient, absence: @escaping @Sendable (BackendError?) -> Void
  ) throws(BackendError) {
    do throws(SessionError) {
      pump = try BusPump(bus.makeReader(), format, signal: bus.signal, client: client)
    } catch {
      throw BackendError(.tooMany, error.message)
    }
    downlink.add(bus)
  }

  public func stop() {
    downlink.remove(bus)
    pump?.end()
    pump = nil
  }

  public var report: StreamReport { downlink.report }
}
