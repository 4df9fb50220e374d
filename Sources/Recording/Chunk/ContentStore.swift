/// A folder in which sealed chunks also stand under what they contain: `ab/abcdef…`, by the SHA-256 of the whole file, so
/// that `sha256sum` says whether they are still what they were. Hard links: nothing is there twice.
public struct ContentStore: Sendable {
  public let folder: String
  private let disk: any DiskLayer

  public init(_ folder: String, on disk: any DiskLayer = Disk()) {
    self.folder = folder
    self.disk = disk
  }

  /// Returns the name it stands under. The same content is not added twice.
  public func add(_ path: String) throws(DiskError) -> String {
    let file = try disk.open(path, forWriting: false)
    let name = Hexadecimal.text(try ContentDigest.of(file, from: 0, count: try file.size))
    let shelf = folder + "/" + name.prefix(2)
    try disk.makeFolder(shelf)
    _ = try disk.link(path, as: shelf + "/" + name)
    return name
  }
}
