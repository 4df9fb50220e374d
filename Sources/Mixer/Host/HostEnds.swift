public import AudioCore

/// The desktop's sound, as a node wants it.
public struct DesktopWish: Hashable, Sendable {
  /// A sink's node name; empty for the default.
  public let sink: String
  /// `auto`, `monitor` or `streams`.
  public let mode: String
  public let layout: ChannelLayout
}

/// Clients' voices, as a node wants them.
public struct VoicesWish: Hashable, Sendable {
  /// A microphone by identifier or name; empty for all.
  public let only: String
  public let except: String
  public let layout: ChannelLayout
}

/// What the program around a graph brings to it and takes from it. Thread: control.
public protocol HostEnds: AnyObject, Sendable {
  /// What cannot be captured now is waited for.
  func desktop(_ wish: DesktopWish) throws(NodeRefusal) -> HostSource
  func voices(_ wish: VoicesWish) throws(NodeRefusal) -> HostSource
  /// Where sessions hear what a graph makes.
  func bus(_ name: String) throws(NodeRefusal) -> StreamBus
}

/// Sound that another thread brings, for as long as a node has it. The graph's cycle asks its client for it.
open class HostSource: @unchecked Sendable {
  public final let client: RenderClient

  public init(_ client: RenderClient) { self.client = client }

  /// Nothing is heard, and why. Thread: any but render.
  open var trouble: String? { nil }
}

extension NodeContext {
  /// The ends of the program around, whose sound is at one rate.
  func hostEnds() throws(NodeRefusal) -> any HostEnds {
    guard let host else {
      throw NodeRefusal(code: "unavailable", message: "the daemon's own sound is not at hand here")
    }
    guard rate == .codec else {
      throw NodeRefusal(
        code: "rate",
        message: "the daemon's own sound is at \(SampleRate.codec.hertz) Hz, the graph at \(rate.hertz) Hz")
    }
    return host
  }
}

/// Renders a client of another kind as a node: what it leaves alone is silence.
struct HostSourceState: ~Copyable {
  /// The processor keeps it.
  private let client: Unmanaged<RenderClient>
  private let layout: ChannelLayout
  private let hertz: Int

  init(_ client: RenderClient, _ context: NodeContext, _ layout: ChannelLayout) {
    self.client = .passUnretained(client)
    self.layout = layout
    hertz = context.rate.hertz
  }

  /// Thread: render.
  @_noLocks
  func render(_ block: NodeBlock) {
    let to = block.output(0)
    let output = Block(channels: to.channels, channelCount: to.count, frames: block.frames)
    output.silence()
    renderClient(
      client,
      Cycle(
        frames: block.frames, time: block.time(hertz: hertz), position: block.position,
        quantum: block.driver.pointee.frames, layout: layout, flags: .none,
        input: Block(channels: to.channels, channelCount: 0, frames: block.frames), output: output))
    var channel = 0
    while channel < to.count {
      let samples = to[channel]
      for frame in 0..<block.frames { samples[frame] = finite(samples[frame]) }
      channel += 1
    }
  }
}

final class HostSourceProcessor: StateProcessor<HostSourceState>, @unchecked Sendable {
  private let source: HostSource

  init(_ context: NodeContext, _ layout: ChannelLayout, _ source: HostSource) {
    self.source = source
    super.init(context, worker: HostWatch(source), HostSourceState(source.client, context, layout))
  }

  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: HostSourceState.self).pointee.render(block)
  }
}

/// Says once what is wrong with a source, and again when that is something else.
private final class HostWatch: NodeWorker, @unchecked Sendable {
  private weak var source: HostSource?
  private var told: String?

  init(_ source: HostSource) { self.source = source }

  func step() -> Bool { false }

  /// Thread: control.
  func takeTrouble() -> String? {
    let trouble = source?.trouble
    guard trouble != told else { return nil }
    told = trouble
    return trouble
  }
}
