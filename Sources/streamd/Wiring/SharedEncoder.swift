public import AudioCore
public import Capture
import Mixer
public import OpusCodec

/// A bus, the encoder that reads it and that encoder's thread: made once for all clients that want the same.
/// Thread: control.
public final class SharedEncoder {
  /// What clients must agree on to share.
  public struct Key: Hashable, Sendable {
    public var configuration: OpusConfiguration
    public var shape: FrameEncoder.Shape
    /// Nil is mute.
    public var gain: Decibels?
    /// True peaks stay below −1 dBTP.
    public var isLimited: Bool

    public init(
      configuration: OpusConfiguration, shape: FrameEncoder.Shape, gain: Decibels?, isLimited: Bool = true
    ) {
      self.configuration = configuration
      self.shape = shape
      self.gain = gain
      self.isLimited = isLimited
    }
  }

  public private(set) var key: Key
  private(set) var slots: [OutletSlot] = []
  let bus: BusOutput
  private let encoder: FrameEncoder
  private let thread: EncodeThread

  /// Room for the longest quantum twice over.
  private static let ringFrames = FrameCount(16_384)

  init(_ key: Key) throws(SessionError) {
    self.key = key
    let configuration = key.configuration
    bus = BusOutput(layout: configuration.layout, capacity: Self.ringFrames, isLimited: key.isLimited)
    bus.setGain(key.gain)
    do {
      encoder = try FrameEncoder(
        reader: bus.makeReader(), busLayout: configuration.layout, configuration: configuration, shape: key.shape,
        start: renderNow())
    } catch { throw SessionError(code: error.code, message: error.message) }
    thread = try EncodeThread(encoder: encoder, signal: bus.signal)
  }

  var identity: Int { encoder.identity }
  var isUnused: Bool { slots.isEmpty }

  func add(_ slot: OutletSlot) {
    if !slots.contains(where: { $0 === slot }) { slots.append(slot) }
    encoder.add(slot)
  }

  func remove(_ slot: OutletSlot) {
    slots.removeAll { $0 === slot }
    encoder.remove(slot)
  }

  /// Becomes what `new` says without a new encoder, if only gain and bit rate differ. The gain moves smoothly, the rate with
  /// the next block.
  func adapt(to new: Key) -> Bool {
    var same = key
    same.gain = new.gain
    same.configuration.bitrate = new.configuration.bitrate
    guard same == new else { return false }
    if new.gain != key.gain { bus.setGain(new.gain) }
    if new.configuration.bitrate != key.configuration.bitrate { encoder.setBitrate(new.configuration.bitrate) }
    key = new
    return true
  }

  func stop() { thread.stop() }

  public func statistics(resetLevels: Bool = false) -> FrameEncoder.Statistics {
    encoder.statistics(resetLevels: resetLevels)
  }

  public var floodedFrames: Int { bus.floodedFrames }
  public var scheduling: String { thread.scheduling }
}

extension BusOutput {
  fileprivate func setGain(_ gain: Decibels?) {
    if let gain { setGain(gain) } else { setGain(Decibels(-.infinity)) }
  }
}
