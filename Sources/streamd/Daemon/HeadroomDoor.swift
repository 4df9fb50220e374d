import Control
import Glibc
import Headroom

/// The socket on which headroom's protocol is spoken.
enum HeadroomDoor {
  /// Where headroom itself would listen.
  private static var usualPath: String {
    let runtime = getenv("XDG_RUNTIME_DIR").map { String(cString: $0) } ?? ""
    return (runtime.isEmpty ? "/run/user/\(getuid())" : runtime) + "/headroom/control.sock"
  }

  static func path(_ setting: String) -> String { setting == "auto" ? usualPath : setting }

  /// Opens it; what its clients say is answered over the control socket.
  @ControlActor
  static func open(at path: String, to control: String) throws -> FramedDoor {
    let listener = try ControlListener.open(path: path)
    let door = FramedDoor(to: control) { HeadroomDialect() }
    try door.serve(listener)
    return door
  }
}
