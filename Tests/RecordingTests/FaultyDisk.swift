import Glibc
import Recording
import Synchronization

/// A disk that does what a test says, and otherwise what a disk does.
final class FaultyDisk: DiskLayer {
  struct Faults: Sendable {
    /// Every call that writes throws this.
    var refusal: DiskError.Cause?
    /// Only making files does.
    var creation: DiskError.Cause?
    var calls = 0
  }

  private let disk = Disk()
  private let state = Mutex(Faults())

  func set(_ change: (inout Faults) -> Void) { state.withLock { change(&$0) } }
  var calls: Int { state.withLock { $0.calls } }

  private func check(_ path: String, creates: Bool = false) throws(DiskError) {
    let cause = state.withLock { state in
      state.calls += 1
      return state.refusal ?? (creates ? state.creation : nil)
    }
    if let cause { throw DiskError(cause, path: path, reason: "as the test wants it") }
  }

  func makeFolder(_ path: String) throws(DiskError) {
    try check(path, creates: true)
    try disk.makeFolder(path)
  }

  func create(_ path: String, bytes: Int) throws(DiskError) -> any DiskFile {
    try check(path, creates: true)
    return Faulty(try disk.create(path, bytes: bytes), self, path)
  }

  func open(_ path: String, forWriting: Bool) throws(DiskError) -> any DiskFile {
    try disk.open(path, forWriting: forWriting)
  }

  func append(_ bytes: [UInt8], to path: String) throws(DiskError) {
    try check(path)
    try disk.append(bytes, to: path)
  }

  func rename(_ path: String, to new: String) throws(DiskError) {
    try check(path)
    try disk.rename(path, to: new)
  }

  func link(_ path: String, as new: String) throws(DiskError) -> Bool { try disk.link(path, as: new) }
  func remove(_ path: String) { disk.remove(path) }
  func list(_ folder: String) throws(DiskError) -> [String] { try disk.list(folder) }
  func room(in folder: String) -> Int? { disk.room(in: folder) }

  private final class Faulty: DiskFile, @unchecked Sendable {
    let file: any DiskFile
    let disk: FaultyDisk
    let path: String

    init(_ file: any DiskFile, _ disk: FaultyDisk, _ path: String) {
      self.file = file
      self.disk = disk
      self.path = path
    }

    var size: Int { get throws(DiskError) { try file.size } }

    /// Half of what was to be written may be there when it fails.
    func write(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(DiskError) {
      do throws(DiskError) { try disk.check(path) } catch {
        try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]), at: place)
        throw error
      }
      try file.write(bytes, at: place)
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at place: Int) throws(DiskError) -> Int {
      try file.read(into: bytes, at: place)
    }

    func truncate(to bytes: Int) throws(DiskError) {
      try disk.check(path)
      try file.truncate(to: bytes)
    }

    func sync() throws(DiskError) {
      try disk.check(path)
      try file.sync()
    }
  }
}
