import Glibc
public import Settings

/// Where the store reads from.
public protocol ProfileFiles {
  /// The names of a directory's `*.toml` files in their order; none when there is no such directory.
  func names(in directory: String) throws(SettingsError) -> [String]
  /// A whole file; of one that is larger than a profile may be, at least a byte more than that.
  func read(_ path: String) throws(SettingsError) -> [UInt8]
}

/// The files there are. Thread: not one that must not wait for a disk.
public struct DiskFiles: ProfileFiles, Sendable {
  public static let mostFiles = 256

  public init() {}

  public func names(in directory: String) throws(SettingsError) -> [String] {
    guard let handle = unsafe opendir(directory) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw unreadable(directory, errno)
    }
    defer { unsafe closedir(handle) }
    var names: [String] = []
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { buffer in
        unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasSuffix(".toml"), !name.hasPrefix(".") else { continue }
      guard names.count < Self.mostFiles else {
        throw SettingsError(code: .tooMany, file: directory, message: "more than \(Self.mostFiles) files")
      }
      names.append(name)
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  public func read(_ path: String) throws(SettingsError) -> [UInt8] {
    // A pipe would be waited for, and with nobody writing pass for an empty file.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SettingsError(code: .unreadable, file: path, message: "is not a file")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while bytes.count <= ProfileSchema.fileSizeLimit {
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, errno) }
      guard count > 0 else { break }
      bytes += chunk[..<count]
    }
    return bytes
  }

  /// For the call that just failed.
  private func unreadable(_ path: String, _ number: Int32) -> SettingsError {
    let reason = unsafe String(cString: strerror(number))
    return SettingsError(code: .unreadable, file: path, message: "cannot be read: \(reason)")
  }
}
