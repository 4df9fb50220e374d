public import AudioCore

/// A device that is not the one that drives the graph: a clock of its own, joined by a bridge.
public struct FarDevice: Hashable, Sendable {
  public enum Direction: Hashable, Sendable {
    case capture, playback
    /// A source of our own, of this name, that others record.
    case source
  }

  public let direction: Direction
  /// As its sound system knows it, which may stand before it as in `alsa:hw:1`; empty for the default.
  public let name: String
  public let layout: ChannelLayout
}

/// One that is open, for as long as a node has it.
open class FarLink: @unchecked Sendable {
  public final let bridge: ClockBridge

  public init(_ bridge: ClockBridge) { self.bridge = bridge }

  /// Nothing is heard, and why. Thread: any but render.
  open var trouble: String? { nil }
  /// The device is there and runs. Thread: any but render.
  open var isRunning: Bool { true }
}

/// Who opens such devices.
public protocol FarDevices: AnyObject, Sendable {
  /// One that does not exist is waited for. Thread: control.
  func open(_ device: FarDevice, rate: SampleRate, block: FrameCount) throws(NodeRefusal) -> FarLink
}

extension NodeContext {
  func open(_ direction: FarDevice.Direction, named setting: String = "device") throws(NodeRefusal) -> FarLink {
    guard let far else { throw NodeRefusal(code: "unavailable", message: "devices are not at hand here") }
    return try far.open(
      FarDevice(direction: direction, name: settings.text(setting), layout: settings.layout()), rate: rate,
      block: block)
  }
}

/// What is told of a far device, and when a block of the graph's cycle begins.
struct FarReadings {
  static let specs = [
    ReadingSpec("fill", "what waits between the two clocks", unit: .frames),
    ReadingSpec("ppm", "by how much the other clock is corrected, in parts per million"),
    ReadingSpec("starved", "times it ran dry"),
    ReadingSpec("running", "1 while sound passes"),
  ]
}

/// Copies a bridge's figures to where they are read, and says what is wrong with the device once.
final class FarWatch: NodeWorker, @unchecked Sendable {
  private weak var link: FarLink?
  private let readings: ReadingBlock
  /// The worker thread's.
  private var told: String?

  init(_ link: FarLink, _ readings: ReadingBlock) {
    self.link = link
    self.readings = readings
  }

  func step() -> Bool {
    guard let link else { return false }
    let facts = link.bridge.facts()
    readings.cells[0].set(Float(facts.fill.value))
    readings.cells[1].set(Float(facts.ppm))
    readings.cells[2].set(Float(facts.starved))
    readings.cells[3].set(facts.isPlaying && link.isRunning ? 1 : 0)
    return false
  }

  /// Thread: control.
  func takeTrouble() -> String? {
    let trouble = link?.trouble
    guard trouble != told else { return nil }
    told = trouble
    return trouble
  }
}

/// The host's time at which a block begins: taken once a cycle, for blocks of one cycle come in a row.
struct BlockClock {
  private var began = HostTime(nanoseconds: 0)
  private let rate: Int

  init(_ rate: SampleRate) { self.rate = rate.hertz }

  /// Thread: render.
  @_noLocks
  mutating func time(_ block: NodeBlock) -> HostTime {
    let offset = block.driver.pointee.offset
    if offset == 0 { began = renderNow() }
    return HostTime(nanoseconds: began.nanoseconds &+ Int64(offset) &* 1_000_000_000 / Int64(rate))
  }
}
