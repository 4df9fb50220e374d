public import AudioCore
public import AudioIO
import Capture
public import Mixer
import Synchronization
import VirtualMic

/// The daemon's own sound as a graph's nodes have it: desktop captures, clients' voices, and buses for sessions.
///
/// Thread: control, but for ends that are let go of, which may happen anywhere: `service` closes those.
public final class GraphEnds: HostEnds, @unchecked Sendable {
  private struct State {
    var buses: [String: StreamBus] = [:]
    var captures: [WeakCapture] = []
    var gone: [Downlink] = []
    var opened = 0
    weak var uplink: Uplink?
  }

  private struct WeakCapture {
    weak var end: DesktopEnd?
  }

  private let backend: any AudioBackend
  private let state = Mutex(State())

  /// More would only mean that nobody lets go of them.
  static let busLimit = 64

  public init(backend: any AudioBackend) { self.backend = backend }

  /// Whose voices nodes hear from now on.
  public var uplink: Uplink? {
    get { state.withLock { $0.uplink } }
    set { state.withLock { $0.uplink = newValue } }
  }

  // MARK: Buses

  /// The bus of this name, which stays for as long as somebody may hear it.
  public func bus(_ name: String) throws(NodeRefusal) -> StreamBus {
    let found = state.withLock { state -> StreamBus? in
      if let bus = state.buses[name] { return bus }
      guard state.buses.count < Self.busLimit else { return nil }
      let bus = StreamBus(name)
      state.buses[name] = bus
      return bus
    }
    guard let found else { throw NodeRefusal(code: "quota", message: "there are \(Self.busLimit) buses already") }
    return found
  }

  /// What nodes feed, by name.
  public var fed: [String] {
    state.withLock { $0.buses.values.filter { $0.layout != nil }.map(\.name).sorted() }
  }

  // MARK: Sources

  public func desktop(_ wish: DesktopWish) throws(NodeRefusal) -> HostSource {
    let number = state.withLock { state in
      state.opened += 1
      return state.opened
    }
    let key = Downlink.Key(
      target: wish.sink.isEmpty ? .defaultSink : .named(wish.sink), quantum: nil,
      mode: CaptureMode(rawValue: wish.mode) ?? .monitor)
    do throws(BackendError) {
      let downlink = try Downlink(backend: backend, key: key, name: "streamd.graph-capture-\(number)") {}
      let end = DesktopEnd(downlink, layout: wish.layout) { [weak self] in self?.bury($0) }
      state.withLock { $0.captures.append(WeakCapture(end: end)) }
      return end
    } catch {
      throw NodeRefusal(code: error.code.rawValue, message: error.description)
    }
  }

  public func voices(_ wish: VoicesWish) throws(NodeRefusal) -> HostSource {
    guard let uplink else { throw NodeRefusal(code: "unavailable", message: "there is no microphone here") }
    return VoicesEnd(uplink, wish)
  }

  private func bury(_ downlink: Downlink) { state.withLock { $0.gone.append(downlink) } }

  /// Every half second, and after edits: goes on with captures, and closes what no node has any more.
  public func service(at now: HostTime) {
    let (captures, gone) = state.withLock { state in
      state.captures.removeAll { $0.end == nil }
      defer { state.gone = [] }
      return (state.captures.compactMap(\.end), state.gone)
    }
    for capture in captures { capture.attend(at: now) }
    for downlink in gone { downlink.stop() }
  }
}

/// A capture of a sink and a player of what it brings: the capture's clock writes, the graph's reads.
private final class DesktopEnd: HostSource, @unchecked Sendable {
  private let downlink: Downlink
  private let bus: BusOutput
  private let player = BusPlayer()
  private let bury: (Downlink) -> Void
  private let state = Mutex(StreamState.stopped)

  /// Room for the longest cycle and what may gather.
  private static let capacity = FrameCount(16_384)

  init(_ downlink: Downlink, layout: ChannelLayout, bury: @escaping (Downlink) -> Void) {
    self.downlink = downlink
    self.bury = bury
    bus = BusOutput(layout: layout, capacity: Self.capacity)
    super.init(player)
    player.play(bus)
    downlink.add(bus)
  }

  deinit { bury(downlink) }

  func attend(at now: HostTime) {
    for case .state(let news) in downlink.attend(at: now) { state.withLock { $0 = news } }
    _ = downlink.drain()
    player.reclaim()
  }

  override var trouble: String? {
    guard case .waiting(let error) = state.withLock({ $0 }), error.code != .starting else { return nil }
    return error.description
  }
}

/// A feed that the graph's cycle reads in place of a device's.
private final class VoicesEnd: HostSource, @unchecked Sendable {
  private weak var uplink: Uplink?
  private let device: String

  init(_ uplink: Uplink, _ wish: VoicesWish) {
    self.uplink = uplink
    let feed = SourceFeed(channels: wish.layout.count)
    device = uplink.listen(feed, only: wish.only, except: wish.except)
    super.init(feed)
  }

  deinit { uplink?.leave(device) }
}
