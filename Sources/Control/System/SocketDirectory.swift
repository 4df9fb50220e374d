internal import CLinux
internal import Glibc

/// The directory that holds the socket: what protects it from other users.
struct SocketDirectory {
  let path: String

  init(of socketPath: String) {
    guard let slash = socketPath.lastIndex(of: "/") else {
      path = "."
      return
    }
    path = slash == socketPath.startIndex ? "/" : String(socketPath[..<slash])
  }

  /// Makes the directory if missing. One that others could tamper with is refused; sticky ones of root, such as `/tmp`,
  /// pass, because there nobody can remove the files of others.
  func prepare() throws(ControlListenerError) {
    if unsafe mkdir(path, 0o700) != 0, errno != EEXIST { throw .system(SystemError("mkdir"), path: path) }
    guard let status = FileStatus(path) else { throw .system(SystemError("lstat"), path: path) }
    if status.isLink { throw .directoryUnsafe(path: path, reason: "it is a symbolic link") }
    guard status.isDirectory else { throw .directoryUnsafe(path: path, reason: "it is no directory") }
    let mine = status.owner == geteuid()
    guard mine || status.owner == 0 else {
      throw .directoryUnsafe(path: path, reason: "it belongs to user \(status.owner)")
    }
    if status.permissions & 0o022 != 0, status.permissions & 0o1000 == 0 || status.owner != 0 {
      throw .directoryUnsafe(path: path, reason: "others may write to it")
    }
  }

  /// Held while the socket file is examined and replaced. A lock that never comes free is no reason not to start: it
  /// guards against an accident, not against an attack.
  func lock() throws(ControlListenerError) -> Descriptor {
    let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
    guard number >= 0 else { throw .system(SystemError("open"), path: path) }
    let descriptor = Descriptor(owning: number)
    for _ in 0..<50 where flock(number, LOCK_EX | LOCK_NB) != 0 { usleep(10_000) }
    return descriptor
  }
}

/// The file of a bound socket, known by its inode.
struct SocketFile: Sendable {
  let path: String
  private let device: UInt
  private let inode: UInt

  init(path: String) throws(SystemError) {
    guard let status = FileStatus(path) else { throw SystemError("lstat") }
    self.path = path
    device = status.device
    inode = status.inode
  }

  /// Leaves a file alone that another daemon has put there since.
  func remove() {
    guard let status = FileStatus(path), status.device == device, status.inode == inode else { return }
    unsafe unlink(path)
  }

  /// Removes what a dead daemon left at `path`. Anything that is no socket, or answers, stays.
  static func clear(_ path: String) throws(ControlListenerError) {
    guard path.utf8.count <= UnixSocket.longestPath else {
      throw .pathUnusable(path: path, reason: "it is longer than \(UnixSocket.longestPath) bytes")
    }
    guard let status = FileStatus(path) else { return }
    guard status.isSocket else { throw .pathUnusable(path: path, reason: "something else is there") }
    do throws(SystemError) {
      try UnixSocket.connect(try UnixSocket.open(), to: path)
    } catch {
      switch error.number {
      case ECONNREFUSED: unsafe unlink(path)
      case ENOENT: return
      // A full queue of callers: busy, but alive.
      case EAGAIN: throw .alreadyRunning(path: path)
      default: throw .system(error, path: path)
      }
      return
    }
    throw .alreadyRunning(path: path)
  }
}

/// What is at a path, links not followed.
struct FileStatus {
  let device: UInt
  let inode: UInt
  let owner: UInt32
  private let mode: UInt32

  init?(_ path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
    owner = status.st_uid
    mode = status.st_mode
  }

  var permissions: UInt32 { mode & 0o7777 }
  var isLink: Bool { mode & S_IFMT == S_IFLNK }
  var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
  var isSocket: Bool { mode & S_IFMT == S_IFSOCK }
}
