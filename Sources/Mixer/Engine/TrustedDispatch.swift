import AudioCore

// The one place where render enters a node, or a client that a node renders, through class dispatch, which the render
// checker cannot follow. Every override is checked by itself.

/// Thread: render.
@_semantics("no_performance_analysis") @inline(__always)
func renderNode(_ processor: Unmanaged<Processor>, _ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
  processor._withUnsafeGuaranteedRef { $0.render(block, memory) }
}

/// A client that a node renders. Thread: render.
@_semantics("no_performance_analysis") @inline(__always)
func renderClient(_ client: Unmanaged<RenderClient>, _ cycle: Cycle) {
  client._withUnsafeGuaranteedRef { $0.render(cycle) }
}
