import AudioIO
import Glibc
import Synchronization

/// The session manager's metadata about a default device.
final class PipeWireDefaultDevice: DefaultDeviceChoice, GraphFollower, @unchecked Sendable {
  let device: DefaultDevice
  let place: String
  private let connection: PipeWireConnection

  // Loop thread.
  private var observer: (@Sendable (DefaultDeviceState) -> Void)?
  private var last: DefaultDeviceState?

  init(_ device: DefaultDevice, connection: PipeWireConnection, remote: String) {
    self.device = device
    self.connection = connection
    place = Self.socket(remote)
  }

  var state: DefaultDeviceState { connection.locked { current } }

  func choose(_ name: String?) throws(BackendError) {
    guard connection.locked({ connection.configure(device, name) }) else {
      throw connection.locked {
        connection.isReady
          ? BackendError(
            .starting, "nobody keeps the choice of default \(device.rawValue)", hint: "is WirePlumber running?")
          : connection.failure
      }
    }
  }

  func observe(_ changed: (@Sendable (DefaultDeviceState) -> Void)?) {
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

  private var current: DefaultDeviceState {
    guard connection.isReady else { return DefaultDeviceState() }
    return connection.graph[device]
  }

  func graphChanged() { announce() }

  func serverLost() { announce(DefaultDeviceState()) }
  func sessionManagerCame() {}

  private func announce(_ state: DefaultDeviceState? = nil) {
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
