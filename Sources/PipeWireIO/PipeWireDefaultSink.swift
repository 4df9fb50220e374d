import AudioIO
import Glibc
import Synchronization

/// The session manager's metadata about the default sink.
final class PipeWireDefaultSink: DefaultSinkChoice, GraphFollower, @unchecked Sendable {
  let place: String
  private let connection: PipeWireConnection

  // Loop thread.
  private var observer: (@Sendable (DefaultSinkState) -> Void)?
  private var last: DefaultSinkState?

  init(connection: PipeWireConnection, remote: String) {
    self.connection = connection
    place = Self.socket(remote)
  }

  var state: DefaultSinkState { connection.locked { current } }

  func choose(_ sink: String?) throws(BackendError) {
    guard connection.locked({ connection.configureSink(sink) }) else {
      throw connection.locked {
        connection.isReady
          ? BackendError(.starting, "nobody keeps the choice of default sink", hint: "is WirePlumber running?")
          : connection.failure
      }
    }
  }

  func observe(_ changed: (@Sendable (DefaultSinkState) -> Void)?) {
    connection.locked {
      // The connection holds its followers, so only while somebody listens.
      connection.detach(self)
      observer = changed
      last = nil
      guard changed != nil else { return }
      connection.attach(self)
      announce()
    }
  }

  // MARK: Thread: loop

  private var current: DefaultSinkState {
    guard connection.isReady else { return DefaultSinkState() }
    return DefaultSinkState(configured: connection.graph.configuredSink, effective: connection.graph.defaultSink)
  }

  func graphChanged() { announce() }

  func serverLost() { announce(DefaultSinkState()) }

  private func announce(_ state: DefaultSinkState? = nil) {
    let state = state ?? current
    guard state != last else { return }
    last = state
    observer?(state)
  }

  /// The path of the server's socket, which tells one server from another.
  private static func socket(_ remote: String) -> String {
    if remote.hasPrefix("/") { return remote }
    let variable = { (name: String) in getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } }
    let name = remote.isEmpty ? variable("PIPEWIRE_REMOTE") ?? "pipewire-0" : remote
    if name.hasPrefix("/") { return name }
    return (variable("PIPEWIRE_RUNTIME_DIR") ?? variable("XDG_RUNTIME_DIR") ?? "") + "/" + name
  }
}
