import AudioIO
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import PipeWireIO

/// A connection ends on whatever thread lets go of it last, its own loop thread among them.
@Suite(.serialized) struct ConnectionEndTests {
  @Test func itsOwnThreadMayLetGoLast() throws {
    let server = try PrivatePipeWire.start(sinkChannels: 2)
    defer { server.stop() }
    for _ in 0..<20 {
      let stay = Stay()
      let watch = WeakConnection()
      try {
        let connection = try PipeWireConnection(remote: server.remote) { _ in }
        watch.connection = connection
        // Its listing may be complete already.
        connection.locked {
          connection.attach(stay)
          connection.later()
        }
        // The loop thread is inside a callback, and holds the connection there.
        stay.entered.wait()
      }()
      #expect(watch.connection != nil)
      stay.mayLeave.signal()
      #expect(waitUntil(timeout: 5) { watch.connection == nil })
    }
    // Another one is made and works.
    let backend = try PipeWireBackend(remote: server.remote)
    #expect(waitUntil(timeout: 10) { backend.defaultSink.state.effective != nil })
  }

  private final class WeakConnection { weak var connection: PipeWireConnection? }

  private final class Stay: GraphFollower, @unchecked Sendable {
    let entered = DispatchSemaphore(value: 0)
    let mayLeave = DispatchSemaphore(value: 0)
    private let isFirst = Atomic<Bool>(true)

    func graphChanged() {
      guard isFirst.exchange(false, ordering: .relaxed) else { return }
      entered.signal()
      mayLeave.wait()
    }

    func serverLost() {}
    func sessionManagerCame() {}
  }
}
