// The only file in which the render checker is told to trust something: C functions of the audited header, and the one
// place where a backend's thread enters a client through class dispatch.
public import CLinux

/// Thread: render.
@_noLocks @inlinable
public func renderZero(_ to: UnsafeMutablePointer<Float>, floats: Int) {
  render_zero(to, floats &* 4)
}

/// Thread: render.
@_noLocks @inlinable
public func renderCopy(_ to: UnsafeMutablePointer<Float>, from: UnsafePointer<Float>, floats: Int) {
  render_copy(to, from, floats &* 4)
}

/// The square root. Thread: render.
@_noLocks @inlinable
public func renderRoot(_ value: Float) -> Float { render_sqrtf(value) }

/// Thread: any.
@_noLocks @inlinable
public func renderNow() -> HostTime { HostTime(nanoseconds: render_now_ns()) }

/// Thread: render.
@_noLocks @inlinable
public func renderLog2(_ value: Double) -> Double { render_log2(value) }

/// Thread: render.
@_noLocks @inlinable
public func renderExp2(_ value: Double) -> Double { render_exp2(value) }

/// Thread: render.
@_noLocks @inlinable
public func renderTangent(_ value: Double) -> Double { render_tan(value) }

/// Runs one cycle of a client under the guard and with denormals flushed. The backend's thread may have set its own
/// float mode; it gets it back.
/// Thread: render.
@_semantics("no_performance_analysis")
public func renderDispatch(_ client: Unmanaged<RenderClient>, _ cycle: Cycle) {
  let mode = render_flush_denormals()
  render_section_enter()
  let unowned = client._withUnsafeGuaranteedRef { $0 }
  unowned.render(cycle)
  render_section_exit()
  render_restore_float_mode(mode)
}

/// Thread: render.
@_noLocks @inlinable
public func renderWake(_ word: UnsafeMutablePointer<WakeWord>) { render_futex_wake(word) }

/// The calling thread's number, for control to ask about. Thread: render.
@_noLocks @inlinable
public func renderThread() -> UInt { UInt(render_thread()) }
