import Glibc

/// What the file system says of a path, of a link itself and not of what it leads to.
public struct FileFacts: Sendable {
  public var isSocket: Bool
  public var permissions: UInt32
  public var owner: UInt32
  public var size: Int

  /// Nil where nothing is.
  public init?(of path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    isSocket = status.st_mode & S_IFMT == S_IFSOCK
    permissions = status.st_mode & 0o7777
    owner = status.st_uid
    size = Int(status.st_size)
  }
}
