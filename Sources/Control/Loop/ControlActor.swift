/// The isolation of everything the daemon owns: graph, sessions, clients, settings. Its executor is `EventLoop`, so
/// code isolated here runs on the one control thread, between two turns of the loop, and must never block.
@globalActor
public actor ControlActor {
  public static let shared = ControlActor()

  public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe EventLoop.shared.asUnownedSerialExecutor() }

  public static var sharedUnownedExecutor: UnownedSerialExecutor { unsafe EventLoop.shared.asUnownedSerialExecutor() }

  /// Runs `operation` at once, on a thread that is known to be the control thread; traps anywhere else.
  /// For C callbacks that a library makes from the loop.
  public static func assumeIsolated<Value: Sendable>(
    _ operation: @ControlActor () throws -> Value
  ) rethrows -> Value {
    EventLoop.shared.checkIsolated()
    return try withoutActuallyEscaping(operation) { operation in
      // The types differ in isolation only, and that was checked above.
      let plain = unsafe unsafeBitCast(operation, to: (() throws -> Value).self)
      return try plain()
    }
  }
}
