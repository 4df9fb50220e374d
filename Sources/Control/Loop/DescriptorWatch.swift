/// One descriptor the loop looks after.
@ControlActor
public final class DescriptorWatch {
  let descriptor: Int32
  let tag: UInt64
  private(set) var handler: @ControlActor (Readiness) -> Void
  private var isCancelled = false

  /// Changing it to nothing pauses the watch; a closed peer is still reported.
  public private(set) var interest: Readiness

  init(
    descriptor: Int32, tag: UInt64, interest: Readiness, handler: @escaping @ControlActor (Readiness) -> Void
  ) {
    self.descriptor = descriptor
    self.tag = tag
    self.interest = interest
    self.handler = handler
  }

  public func change(to interest: Readiness) throws(SystemError) {
    guard !isCancelled, interest != self.interest else { return }
    try EventLoop.shared.update(self, to: interest)
    self.interest = interest
  }

  /// No handler call follows, not even of events that are waiting already.
  public func cancel() {
    guard !isCancelled else { return }
    isCancelled = true
    // What the handler holds on to may hold this watch.
    handler = { _ in }
    EventLoop.shared.remove(self)
  }
}
