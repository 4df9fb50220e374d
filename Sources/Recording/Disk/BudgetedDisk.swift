import Synchronization

/// How much all recordings together may have on the disk.
public final class DiskBudget: Sendable {
  public let limit: Int
  private let spent: Mutex<Int>

  public init(limit: Int, used: Int = 0) {
    self.limit = limit
    spent = Mutex(used)
  }

  public var used: Int { spent.withLock { $0 } }

  func take(_ bytes: Int) -> Bool {
    spent.withLock { used in
      guard used + bytes <= limit else { return false }
      used += bytes
      return true
    }
  }

  func giveBack(_ bytes: Int) { spent.withLock { $0 -= bytes } }

  /// What lies in a folder and the folders in it, in bytes.
  public static func measure(_ folder: String, on disk: any DiskLayer) -> Int {
    ((try? disk.list(folder)) ?? []).reduce(0) { sum, name in
      let path = folder + "/" + name
      if let names = try? disk.list(path) {
        return sum + names.reduce(0) { $0 + ((try? disk.open(path + "/" + $1, forWriting: false).size) ?? 0) }
      }
      return sum + ((try? disk.open(path, forWriting: false).size) ?? 0)
    }
  }
}

/// A disk on which no more is made than a budget allows.
public struct BudgetedDisk: DiskLayer {
  private let disk: any DiskLayer
  private let budget: DiskBudget

  public init(_ disk: any DiskLayer, _ budget: DiskBudget) {
    self.disk = disk
    self.budget = budget
  }

  public func create(_ path: String, bytes: Int) throws(DiskError) -> any DiskFile {
    guard budget.take(bytes) else {
      throw DiskError(
        .quota, path: path, reason: "recordings have \(budget.used) of the \(budget.limit) bytes they may have")
    }
    do throws(DiskError) {
      return BudgetedFile(try disk.create(path, bytes: bytes), bytes, budget)
    } catch {
      budget.giveBack(bytes)
      throw error
    }
  }

  /// A file that is given up before it was used counts no more.
  public func remove(_ path: String) {
    if let size = try? disk.open(path, forWriting: false).size { budget.giveBack(size) }
    disk.remove(path)
  }

  public func makeFolder(_ path: String) throws(DiskError) { try disk.makeFolder(path) }
  public func open(_ path: String, forWriting: Bool) throws(DiskError) -> any DiskFile {
    try disk.open(path, forWriting: forWriting)
  }
  public func append(_ bytes: [UInt8], to path: String) throws(DiskError) { try disk.append(bytes, to: path) }
  public func rename(_ path: String, to new: String) throws(DiskError) { try disk.rename(path, to: new) }
  public func link(_ path: String, as new: String) throws(DiskError) -> Bool { try disk.link(path, as: new) }
  public func list(_ folder: String) throws(DiskError) -> [String] { try disk.list(folder) }
  public func room(in folder: String) -> Int? {
    disk.room(in: folder).map { min($0, max(0, budget.limit - budget.used)) }
  }
}

private final class BudgetedFile: DiskFile {
  private let file: any DiskFile
  private let budget: DiskBudget
  private let counted: Mutex<Int>

  init(_ file: any DiskFile, _ bytes: Int, _ budget: DiskBudget) {
    self.file = file
    self.budget = budget
    counted = Mutex(bytes)
  }

  var size: Int { get throws(DiskError) { try file.size } }
  func write(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(DiskError) { try file.write(bytes, at: place) }
  func read(into bytes: UnsafeMutableRawBufferPointer, at place: Int) throws(DiskError) -> Int {
    try file.read(into: bytes, at: place)
  }
  func sync() throws(DiskError) { try file.sync() }

  func truncate(to bytes: Int) throws(DiskError) {
    try file.truncate(to: bytes)
    budget.giveBack(
      counted.withLock { counted in
        defer { counted = min(counted, bytes) }
        return max(0, counted - bytes)
      })
  }
}
