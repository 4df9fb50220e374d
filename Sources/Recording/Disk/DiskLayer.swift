/// What a recording needs of a file system. Tests put one in its place that is full, slow or gone.
///
/// Thread: any but render; calls may take as long as a disk does.
public protocol DiskLayer: Sendable {
  /// And those it lies in.
  func makeFolder(_ path: String) throws(DiskError)
  /// A new file with room for `bytes`, which are there.
  func create(_ path: String, bytes: Int) throws(DiskError) -> any DiskFile
  func open(_ path: String, forWriting: Bool) throws(DiskError) -> any DiskFile
  /// Adds to the end of a file, which is made where there is none, and waits until it is kept.
  func append(_ bytes: [UInt8], to path: String) throws(DiskError)
  func rename(_ path: String, to new: String) throws(DiskError)
  /// Another name for the same file; false where that name is taken.
  func link(_ path: String, as new: String) throws(DiskError) -> Bool
  func remove(_ path: String)
  /// Names in a folder, sorted.
  func list(_ folder: String) throws(DiskError) -> [String]
  /// What is free there, in bytes.
  func room(in folder: String) -> Int?
}

public protocol DiskFile: AnyObject, Sendable {
  var size: Int { get throws(DiskError) }
  /// All of it, or an error: then any part may have been written.
  func write(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(DiskError)
  /// Less than was asked for only at the end of the file.
  func read(into bytes: UnsafeMutableRawBufferPointer, at place: Int) throws(DiskError) -> Int
  func truncate(to bytes: Int) throws(DiskError)
  /// Returns once all that was written is kept.
  func sync() throws(DiskError)
}

/// What a disk refused, and why.
public struct DiskError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Stable, for programs.
  public enum Cause: String, Sendable, CaseIterable {
    case full = "disk_full"
    case quota
    case readOnly = "read_only"
    case denied
    case missing
    case exists
    case other = "io"
  }

  public var cause: Cause
  public var path: String
  public var reason: String

  public init(_ cause: Cause, path: String, reason: String) {
    self.cause = cause
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(path): \(reason)" }
}
