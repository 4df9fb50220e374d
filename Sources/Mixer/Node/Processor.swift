public import AudioCore

/// The render half of one node, made by control. It belongs to the node for as long as the node's structure stays, goes
/// from plan to plan, and is freed by control with the last plan that mentions it. Subclasses are final ones of
/// `StateProcessor`.
open class Processor: @unchecked Sendable {
  /// Frames from when something comes in to when it comes out. The compiler delays what runs beside it as much.
  public final let latency: FrameCount
  /// Frames until what comes out is what it will be: the latency, and what else a new processor has to have heard. Its
  /// fade waits so long.
  public final let warmUp: FrameCount
  /// The node's live values. Thread: any.
  public final let parameters: ParameterBlock
  /// What the node measures. Thread: any.
  public final let readings: ReadingBlock
  /// The half that does what render must not: files. Nil for nearly every node.
  public final let worker: (any NodeWorker)?
  /// What only one node of a graph can have, kept for as long as the processor lives.
  final let claim: (any NodeClaim)?
  /// The state, as the plan hands it to `render`.
  final let memory: UnsafeMutableRawPointer

  fileprivate init(
    _ context: NodeContext, latency: FrameCount, warmUp: FrameCount?, worker: (any NodeWorker)?,
    claim: (any NodeClaim)?, memory: UnsafeMutableRawPointer
  ) {
    self.latency = latency
    self.warmUp = max(warmUp ?? latency, latency)
    self.worker = worker
    self.claim = claim
    self.memory = memory
    parameters = context.parameters
    readings = context.readings
  }

  /// Renders one block with the state at `memory`. It never touches the object itself: that would count references.
  /// Thread: render.
  open func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {}
}

/// A processor whose state is one struct.
open class StateProcessor<State: ~Copyable>: Processor, @unchecked Sendable {
  /// For control, which may read what the state says control may.
  public final let state: UnsafeMutablePointer<State>

  public init(
    _ context: NodeContext, latency: FrameCount = 0, warmUp: FrameCount? = nil, worker: (any NodeWorker)? = nil,
    claim: (any NodeClaim)? = nil, _ state: consuming State
  ) {
    self.state = .allocate(capacity: 1)
    self.state.initialize(to: state)
    super.init(
      context, latency: latency, warmUp: warmUp, worker: worker, claim: claim,
      memory: UnsafeMutableRawPointer(self.state))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }
}

/// The half of a node that reads and writes files. Thread: one worker, never render.
public protocol NodeWorker: AnyObject, Sendable {
  /// Does a bounded amount of work; false when there was none.
  func step() -> Bool
  /// What went wrong, once.
  func takeTrouble() -> String?
}

/// What only one node of a graph can have: the end of a ring. A processor that fades out shares it with the one that
/// comes in its place, and both render in every block; `NodeBlock.isLast` says which of them comes last. Thread: control.
public protocol NodeClaim: AnyObject, Sendable {
  /// Why a second node is refused.
  var refusal: NodeRefusal { get }
}
