extension EventLoop {
  /// Blocks `signals` so that they reach the loop only. Call it first thing in `main`, before any thread starts: threads
  /// inherit the mask, and one that does not block a signal would take it.
  public static func block(_ signals: [Int32]) { SignalDescriptor.block(signals) }

  /// Calls `handler` on the control thread for each of `signals` that arrives. Blocks them for the calling thread.
  @ControlActor
  public func onSignals(
    _ signals: [Int32], _ handler: @escaping @ControlActor (Int32) -> Void
  ) throws(SystemError) -> SignalWatch {
    SignalDescriptor.block(signals)
    return try SignalWatch(signals, handler)
  }
}

/// Signals delivered to the loop, until cancelled.
@ControlActor
public final class SignalWatch {
  private var descriptor: Descriptor?
  private var watch: DescriptorWatch?

  fileprivate init(_ signals: [Int32], _ handler: @escaping @ControlActor (Int32) -> Void) throws(SystemError) {
    let descriptor = try SignalDescriptor.open(signals)
    let number = descriptor.number
    self.descriptor = consume descriptor
    watch = try EventLoop.shared.watch(number, for: .read) { [unowned self] _ in
      while let signal = nextSignal() { handler(signal) }
    }
  }

  private func nextSignal() -> Int32? {
    switch descriptor {
    case .some(let descriptor): SignalDescriptor.next(from: descriptor)
    case .none: nil
    }
  }

  public func cancel() {
    watch?.cancel()
    watch = nil
    descriptor = nil
  }
}
