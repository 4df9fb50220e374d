public import AudioCore
public import Control

/// Something that is measured. `collect` reads and resets, so it has one caller: the board.
@ControlActor
public protocol MeterSource: AnyObject {
  /// What happened since the last call. The first call, and the first after `rest`, may find nothing.
  func collect() -> [MeterReading]
  /// Nobody looks any more.
  func rest()
}

/// Where everything that is measured meets everybody who looks. One tick collects from all sources; what it finds is merged
/// into a window for each listener, which is handed out at that listener's own rate: so nothing that happened between two of
/// its windows is missed, however slow it is. While nobody listens there is no tick and sources rest.
@ControlActor
public final class MeterBoard: WindowPublisher {
  /// One that looks. It ends with `close`.
  @ControlActor
  public final class Listener {
    fileprivate var window: MeterWindow
    fileprivate var pace: MeterPace
    fileprivate let rate: Double
    fileprivate let isReady: @ControlActor () -> Bool
    fileprivate let deliver: @ControlActor (MeterWindow) -> Void

    fileprivate init(
      rate: Double, at now: HostTime, isReady: @escaping @ControlActor () -> Bool,
      deliver: @escaping @ControlActor (MeterWindow) -> Void
    ) {
      (window, pace, self.rate) = (MeterWindow(from: now), MeterPace(rate: rate, from: now), rate)
      (self.isReady, self.deliver) = (isReady, deliver)
    }
  }

  private var sources: [any MeterSource] = []
  private var listeners: [Listener] = []
  private var readers: [ObjectIdentifier: Listener] = [:]
  private var timer: LoopTimer?
  private var tickInterval = HostDuration.milliseconds(50)
  private let now: @ControlActor () -> HostTime

  /// Figures that are the extreme of a tenth of a second must be seen before the next takes their place.
  private static let slowestTick = 20.0

  /// `now` is asked when a tick begins.
  public init(now: @escaping @ControlActor () -> HostTime = { renderNow() }) { self.now = now }

  /// Adds what is measured, for good.
  public func add(_ source: any MeterSource) { sources.append(source) }

  public var isCollecting: Bool { timer != nil }

  /// Hands out windows `rate` times a second, and later when `isReady` says so.
  public func open(
    rate: Double, isReady: @escaping @ControlActor () -> Bool = { true },
    deliver: @escaping @ControlActor (MeterWindow) -> Void
  ) -> Listener {
    if listeners.isEmpty {
      // What was measured before anybody looked is nobody's.
      for source in sources { _ = source.collect() }
    } else {
      // And what happened so far is the others'.
      collect(at: now())
    }
    let listener = Listener(rate: rate, at: now(), isReady: isReady, deliver: deliver)
    listeners.append(listener)
    pace()
    return listener
  }

  public func close(_ listener: Listener) {
    listeners.removeAll { $0 === listener }
    pace()
    if listeners.isEmpty { for source in sources { source.rest() } }
  }

  // MARK: Readers of the socket

  public func add(_ reader: WindowReader) {
    readers[ObjectIdentifier(reader)] = open(
      rate: reader.rate, isReady: { reader.isReady }, deliver: { reader.send($0.json) })
  }

  public func remove(_ reader: WindowReader) {
    if let listener = readers.removeValue(forKey: ObjectIdentifier(reader)) { close(listener) }
  }

  // MARK: Time

  /// As fast as the fastest listener.
  private func pace() {
    if let timer { EventLoop.shared.cancel(timer) }
    timer = nil
    guard let fastest = listeners.map(\.rate).max() else { return }
    tickInterval = HostDuration(nanoseconds: Int64(1e9 / max(fastest, Self.slowestTick)))
    let interval = Duration.nanoseconds(tickInterval.nanoseconds)
    timer = EventLoop.shared.schedule(after: interval, every: interval) { [weak self] in self?.tick() }
  }

  private func collect(at time: HostTime) {
    let readings = sources.flatMap { $0.collect() }
    for listener in listeners { listener.window.add(readings, at: time) }
  }

  func tick() {
    let time = now()
    collect(at: time)
    // A delivery may end its listener.
    for listener in listeners where listener.pace.isDue(at: time, tick: tickInterval) && listener.isReady() {
      listener.pace.sent(at: time)
      listener.deliver(listener.window.take())
    }
  }
}
