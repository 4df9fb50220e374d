public import AudioCore
public import AudioIO
public import Mixer
public import Recording

/// What passes a tap of the graph. The node may be made anew while it is recorded; where it is gone, or in another format,
/// time goes on without it.
///
/// Thread: control.
public final class TapSource: RecordingSource {
  public let format: StreamFormat
  private let title: String
  private var tap: TapProcessor?
  private var bus: BusOutput?
  private var pump: BusPump?
  private var client: RecorderClient?
  private var absence: (@Sendable (BackendError?) -> Void)?
  private var trouble: BackendError?
  private let look: () -> TapProcessor?

  /// `look` finds the node as it is now. `layout` is what of it is recorded.
  public init(_ tap: TapProcessor, layout: ChannelLayout, title: String, look: @escaping () -> TapProcessor?) {
    self.look = look
    self.title = title
    format = StreamFormat(rate: tap.format.rate, layout: layout)
  }

  public func start(
    _ client: RecorderClient, absence: @escaping @Sendable (BackendError?) -> Void
  ) throws(BackendError) {
    (self.client, self.absence) = (client, absence)
    if let tap = look() { try listen(to: tap, client) }
  }

  public func stop() {
    leave()
    (client, absence) = (nil, nil)
  }

  /// The graph is another.
  public func follow() {
    guard let client, let absence else { return }
    let next = look()
    if let next, next === tap { return }
    leave()
    guard let next else { return tell(BackendError(.noSource, "\(title) is no tap of the graph now"), absence) }
    guard next.format.rate == format.rate else {
      return tell(
        BackendError(
          .unsupportedFormat, "the graph runs at \(next.format.rate.hertz) Hz now, not \(format.rate.hertz)"),
        absence)
    }
    do throws(BackendError) {
      try listen(to: next, client)
      tell(nil, absence)
    } catch { tell(error, absence) }
  }

  private func tell(_ error: BackendError?, _ absence: (BackendError?) -> Void) {
    guard error != trouble else { return }
    trouble = error
    absence(error)
  }

  private func listen(to tap: TapProcessor, _ client: RecorderClient) throws(BackendError) {
    let bus = tap.listen(as: format.layout)
    do throws(SessionError) {
      pump = try BusPump(bus.makeReader(), format, signal: bus.signal, client: client)
    } catch {
      tap.leave(bus)
      throw BackendError(.tooMany, error.message)
    }
    (self.tap, self.bus) = (tap, bus)
  }

  private func leave() {
    if let tap, let bus { tap.leave(bus) }
    pump?.end()
    (tap, bus, pump) = (nil, nil, nil)
  }

  public var report: StreamReport { report(title, trouble) }
}
