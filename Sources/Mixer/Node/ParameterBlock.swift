public import AudioCore
public import Synchronization

/// One live value from control to render with the frames it takes to get there: both in one word, so that they are never
/// torn apart. Last value wins.
@frozen
public struct RampCell: ~Copyable {
  @usableFromInline let word: Atomic<UInt64>

  public init(_ value: Float) { word = Atomic(Self.packed(value, frames: 0)) }

  @_noLocks @inlinable static func packed(_ value: Float, frames: Int) -> UInt64 {
    UInt64(value.bitPattern) | UInt64(UInt32(truncatingIfNeeded: frames)) << 32
  }

  /// Thread: any.
  @_noLocks @inlinable public func set(_ value: Float, over frames: Int) {
    word.store(Self.packed(value, frames: frames), ordering: .relaxed)
  }

  /// Thread: any.
  @inlinable public var current: UInt64 { @_noLocks get { word.load(ordering: .relaxed) } }
}

/// The live values of one node.
public final class ParameterBlock: @unchecked Sendable {
  public let specs: [ParameterSpec]
  /// As set last, in their units. Thread: control.
  /// As set last, where ramps aim. Thread: control.
  public private(set) var values: [Double]
  let cells: UnsafeMutablePointer<RampCell>
  private let rate: SampleRate

  init(_ specs: [ParameterSpec], values: [Double], rate: SampleRate) {
    self.specs = specs
    self.values = values
    self.rate = rate
    cells = .allocate(capacity: max(specs.count, 1))
    for (index, spec) in specs.enumerated() { (cells + index).initialize(to: RampCell(spec.rendered(values[index]))) }
  }

  deinit {
    cells.deinitialize(count: specs.count)
    cells.deallocate()
  }

  /// Moves a value there over `time`, or as its spec says. Thread: control.
  func set(_ index: Int, to value: Double, over time: HostDuration? = nil) {
    let spec = specs[index]
    values[index] = value
    let frames = min(rate.frames(in: time ?? spec.smoothing).value, Int(Int32.max))
    cells[index].set(spec.rendered(value), over: frames)
  }

  /// The render end of a value. The block must outlive it: a processor keeps its own.
  public func live(_ name: String) -> LiveParameter {
    guard let index = specs.firstIndex(where: { $0.name == name }) else { preconditionFailure("no parameter \(name)") }
    return LiveParameter(UnsafePointer(cells + index))
  }

  /// For nodes that ask for a whole group by number.
  public func live(_ index: Int) -> LiveParameter {
    precondition(specs.indices.contains(index))
    return LiveParameter(UnsafePointer(cells + index))
  }
}

/// A smooth way from one value to another, in frames. Settled means exactly there.
@frozen
public struct Ramp {
  @usableFromInline var current: Float
  @usableFromInline var goal: Float
  /// Where the way began, and how many frames it has.
  @usableFromInline var origin: Float
  @usableFromInline var length = 1
  @usableFromInline var remaining = 0

  @_noLocks @inlinable public init(_ value: Float) {
    current = value
    goal = value
    origin = value
  }

  @inlinable public var value: Float { @_noLocks get { current } }
  /// Where it is going.
  @inlinable public var target: Float { @_noLocks get { goal } }
  @inlinable public var isSettled: Bool { @_noLocks get { remaining == 0 } }

  /// Thread: render.
  @_noLocks @inlinable public mutating func aim(_ value: Float, over frames: Int) {
    guard value != goal else { return }
    goal = value
    guard frames > 1 else {
      current = value
      remaining = 0
      return
    }
    origin = current
    length = frames
    remaining = frames
  }

  /// The value of the next frame. Thread: render.
  @_noLocks @inlinable public mutating func next() -> Float {
    guard remaining > 0 else { return current }
    remaining &-= 1
    arrive()
    return current
  }

  /// Moves on by so many frames whose values nobody asks for. Thread: render.
  @_noLocks @inlinable public mutating func skip(_ frames: Int) {
    guard remaining > 0, frames > 0 else { return }
    remaining = frames < remaining ? remaining &- frames : 0
    arrive()
  }

  @_noLocks @inlinable @inline(__always) mutating func arrive() {
    current = remaining == 0 ? goal : goal + (origin - goal) * smoothStep(Float(remaining) / Float(length))
  }
}

/// Render's view of a live value. Thread: render, but for its making.
@frozen
public struct LiveParameter {
  @usableFromInline let cell: UnsafePointer<RampCell>
  @usableFromInline var seen: UInt64
  public var ramp: Ramp

  init(_ cell: UnsafePointer<RampCell>) {
    self.cell = cell
    seen = cell.pointee.current
    ramp = Ramp(Float(bitPattern: UInt32(truncatingIfNeeded: seen)))
  }

  /// Looks whether control has set it; to be called once a block, before anything else.
  @_noLocks @inlinable public mutating func refresh() {
    let word = cell.pointee.current
    guard word != seen else { return }
    seen = word
    ramp.aim(Float(bitPattern: UInt32(truncatingIfNeeded: word)), over: Int(word >> 32))
  }

  /// What control has set, without a ramp.
  @inlinable public var latest: Float {
    @_noLocks get { Float(bitPattern: UInt32(truncatingIfNeeded: cell.pointee.current)) }
  }
  @inlinable public var isSettled: Bool { @_noLocks get { ramp.isSettled } }
  @inlinable public var value: Float { @_noLocks get { ramp.value } }
  /// Where it is going.
  @inlinable public var target: Float { @_noLocks get { ramp.target } }
  /// How long it takes to get there, as who set it last wanted.
  @inlinable public var frames: Int { @_noLocks get { Int(seen >> 32) } }
  @_noLocks @inlinable public mutating func next() -> Float { ramp.next() }
}
