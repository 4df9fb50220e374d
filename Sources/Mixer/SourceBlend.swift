public import AudioCore
import Synchronization

/// Two captures of the same sink in front of one renderer: one is heard, and a change is a short fade from the one to the
/// other. Both are driven by the same render thread, in any order within a cycle.
///
/// The second side is a block ahead of the first, as what plays into a sink is of its monitor. A fade mixes what belongs
/// together: towards the first side it begins with a cycle that brings nothing, towards the second it ends with one that
/// brings two blocks. So nothing is heard twice and nothing is left out.
public final class SourceBlend: @unchecked Sendable {
  public enum Side: Int, Sendable { case first, second }

  /// For the stream of each side.
  public let first: RenderClient
  public let second: RenderClient
  private let state: UnsafeMutablePointer<BlendState>
  private let renderer: Renderer

  /// Thread: control.
  public init(_ renderer: Renderer) {
    self.renderer = renderer
    state = .allocate(capacity: 1)
    state.initialize(to: BlendState(renderer: renderer.face))
    first = BlendFace(state, .first)
    second = BlendFace(state, .second)
  }

  /// The streams of both sides must have stopped. Thread: control.
  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Hears this side from now on. Thread: control.
  public func hear(_ side: Side) { state.pointee.target.store(side.rawValue, ordering: .releasing) }

  /// What is heard, once a fade has ended; nil before the first block. Thread: any.
  public var heard: Side? { Side(rawValue: state.pointee.heard.load(ordering: .acquiring)) }
}

private final class BlendFace: RenderClient, @unchecked Sendable {
  private let state: UnsafeMutablePointer<BlendState>
  private let side: SourceBlend.Side

  init(_ state: UnsafeMutablePointer<BlendState>, _ side: SourceBlend.Side) {
    self.state = state
    self.side = side
  }

  /// Thread: render.
  @_noLocks
  override func render(_ cycle: Cycle) { state.pointee.take(cycle, from: side.rawValue) }
}
