import Glibc

/// The file system as it is.
public struct Disk: DiskLayer {
  public init() {}

  /// Whether two folders lie on the same file system, so that a file can have a name in each.
  public static func isOne(with folder: String, _ other: String) -> Bool {
    var (own, there) = (stat(), stat())
    return stat(folder, &own) == 0 && stat(other, &there) == 0 && own.st_dev == there.st_dev
  }

  public func makeFolder(_ path: String) throws(DiskError) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/" + part
      guard mkdir(made, 0o755) != 0, errno != EEXIST else { continue }
      let reason = errno
      // One may not make what is there in a folder that one may not write to.
      guard access(made, F_OK) == 0 else { throw DiskError(reason, path: made) }
    }
    var facts = stat()
    guard stat(path, &facts) == 0 else { throw DiskError(errno, path: path) }
    guard facts.st_mode & S_IFMT == S_IFDIR else { throw DiskError(ENOTDIR, path: path) }
  }

  public func create(_ path: String, bytes: Int) throws(DiskError) -> any DiskFile {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw DiskError(errno, path: path) }
    let failed = posix_fallocate(descriptor, 0, off_t(bytes))
    guard failed == 0 else {
      close(descriptor)
      unlink(path)
      throw DiskError(failed, path: path)
    }
    return OpenFile(descriptor, path)
  }

  public func open(_ path: String, forWriting: Bool) throws(DiskError) -> any DiskFile {
    let descriptor = Glibc.open(path, (forWriting ? O_RDWR : O_RDONLY) | O_CLOEXEC)
    guard descriptor >= 0 else { throw DiskError(errno, path: path) }
    return OpenFile(descriptor, path)
  }

  public func append(_ bytes: [UInt8], to path: String) throws(DiskError) {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw DiskError(errno, path: path) }
    defer { close(descriptor) }
    let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard written == bytes.count else { throw DiskError(written < 0 ? errno : ENOSPC, path: path) }
    guard fdatasync(descriptor) == 0 else { throw DiskError(errno, path: path) }
  }

  public func rename(_ path: String, to new: String) throws(DiskError) {
    guard Glibc.rename(path, new) == 0 else { throw DiskError(errno, path: path) }
  }

  public func link(_ path: String, as new: String) throws(DiskError) -> Bool {
    if Glibc.link(path, new) == 0 { return true }
    guard errno == EEXIST else { throw DiskError(errno, path: new) }
    return false
  }

  public func remove(_ path: String) { unlink(path) }

  public func list(_ folder: String) throws(DiskError) -> [String] {
    guard let handle = opendir(folder) else { throw DiskError(errno, path: folder) }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  public func room(in folder: String) -> Int? {
    var facts = statvfs()
    guard statvfs(folder, &facts) == 0 else { return nil }
    return Int(facts.f_bavail) * Int(facts.f_frsize)
  }
}

private final class OpenFile: DiskFile, @unchecked Sendable {
  private let descriptor: Int32
  private let path: String

  init(_ descriptor: Int32, _ path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  var size: Int {
    get throws(DiskError) {
      var facts = stat()
      guard fstat(descriptor, &facts) == 0 else { throw DiskError(errno, path: path) }
      return Int(facts.st_size)
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(DiskError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(place + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw DiskError(count < 0 ? errno : ENOSPC, path: path) }
      done += count
    }
  }

  func read(into bytes: UnsafeMutableRawBufferPointer, at place: Int) throws(DiskError) -> Int {
    var done = 0
    while done < bytes.count {
      let count = pread(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(place + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw DiskError(errno, path: path) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  func truncate(to bytes: Int) throws(DiskError) {
    guard ftruncate(descriptor, off_t(bytes)) == 0 else { throw DiskError(errno, path: path) }
  }

  func sync() throws(DiskError) {
    guard fdatasync(descriptor) == 0 else { throw DiskError(errno, path: path) }
  }
}

extension DiskError {
  init(_ number: Int32, path: String) {
    let cause: Cause =
      switch number {
      case ENOSPC: .full
      case EDQUOT: .quota
      case EROFS: .readOnly
      case EACCES, EPERM: .denied
      case ENOENT, ENOTDIR: .missing
      case EEXIST: .exists
      default: .other
      }
    self.init(cause, path: path, reason: String(cString: strerror(number)))
  }
}
