import AudioIO
import CJACK
import CJACKSystem
import Glibc
import Synchronization

/// JACK's library in this process. It keeps one server's memory for all clients: as long as any of ours is open no other
/// server can be joined, and when the server is gone all must be closed before one may be opened again. The library
/// itself would free those that are left under our hands.
enum JACKLibrary {
  private struct Ledger {
    var server = ""
    var clients = 0
  }

  private static let ledger = Mutex(Ledger())
  /// Set by the first client that learns it, on a thread of the library's.
  private static let isServerGone = GoneMark()
  private static let quiet: Void = cjack_be_quiet()

  /// What the library takes when it is told no name.
  static var defaultServer: String {
    guard let value = getenv("JACK_DEFAULT_SERVER"), value.pointee != 0 else { return "default" }
    return String(cString: value)
  }

  /// Where a callback notes that the server is gone.
  static var goneMark: UnsafeMutablePointer<Atomic<Bool>> { isServerGone.pointer }

  /// Thread: supervisor.
  static func open(_ name: String, on server: String) throws(BackendError) -> OpaquePointer {
    _ = quiet
    // It becomes part of a path, in a room of fixed size.
    guard !server.isEmpty, server.utf8.count <= 64, !server.utf8.contains(where: { $0 == 0x2F || $0 < 0x20 }) else {
      throw BackendError(.serverUnavailable, "\"\(server)\" is no name of a JACK server")
    }
    let result: Result<OpaquePointer, BackendError> = ledger.withLock { ledger in
      if ledger.clients > 0 {
        guard ledger.server == server else {
          return .failure(
            BackendError(
              .deviceBusy, "this process has joined the JACK server \"\(ledger.server)\"",
              hint: "it can be in one at a time"))
        }
        guard !goneMark.pointee.load(ordering: .acquiring) else { return .failure(ServerFailure.absent(server)) }
      }
      var status: Int32 = 0
      guard let client = cjack_open(name, server, &status) else {
        return .failure(ServerFailure.opening(server, status))
      }
      if ledger.clients == 0 { goneMark.pointee.store(false, ordering: .releasing) }
      ledger.server = server
      ledger.clients += 1
      return .success(client)
    }
    return try result.get()
  }

  /// Thread: supervisor.
  static func close(_ client: OpaquePointer) {
    ledger.withLock { ledger in
      jack_client_close(client)
      ledger.clients -= 1
    }
  }
}

/// One atomic with a fixed place in memory.
private final class GoneMark: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Atomic<Bool>>

  init() {
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: Atomic(false))
  }
}
