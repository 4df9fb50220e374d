import AudioCore
import Glibc
import Synchronization

/// Where a recording's newest seconds are: a ring in a file of the kernel's memory file system.
///
/// Render writes here and nowhere else. Pages of such a file are never written back, so none is ever taken away or
/// write-protected under render's hands, which happens to every dirty page of a file on a disk; a full disk is an error of
/// a worker's call and no signal; and a disk that stands still holds up a worker. Yet the file outlives a process that is
/// killed: whoever comes later finds in it what had not got to the disk.
///
/// Thread: control; `face` says who else.
public final class LiveMemory: @unchecked Sendable {
  public let path: String
  let face: LiveFace
  let format: RecordingFormat
  let chunkFrames: Int
  /// The recording's folder.
  public let folder: String
  let identity: RecordingIdentity
  /// Pages may not be swapped out.
  public let isLocked: Bool
  private let base: UnsafeMutableRawPointer
  private let bytes: Int
  private let descriptor: Int32

  /// Makes one, all pages there. The lock on it tells that someone records.
  init(
    path: String, format: RecordingFormat, seconds: Double, chunkFrames: Int, folder: String,
    identity: RecordingIdentity
  ) throws(RecordingError) {
    var capacity = 4096
    while Double(capacity) < seconds * Double(format.rate.hertz) { capacity *= 2 }
    let bytes = LiveLayout.headBytes + capacity * format.frameBytes
    guard folder.utf8.count < LiveLayout.folderRoom else {
      throw RecordingError(.badField, "the path is too long", field: "path")
    }
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
    var failed = flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno
    if failed == 0 { failed = posix_fallocate(descriptor, 0, off_t(bytes)) }
    var base: UnsafeMutableRawPointer?
    if failed == 0 { base = Self.map(descriptor, bytes) }
    guard let base, base != MAP_FAILED else {
      let reason = failed == 0 ? errno : failed
      unlink(path)
      close(descriptor)
      throw Self.failure(path, reason)
    }
    self.path = path
    self.format = format
    self.chunkFrames = chunkFrames
    self.folder = folder
    self.identity = identity
    self.base = base
    self.bytes = bytes
    self.descriptor = descriptor
    isLocked = mlock(base, bytes) == 0
    memset(base, 0, bytes)
    func put(_ value: UInt64, _ place: Int) { base.storeBytes(of: value, toByteOffset: place, as: UInt64.self) }
    put(LiveLayout.version, LiveLayout.versionPlace)
    put(UInt64(capacity), LiveLayout.capacityPlace)
    put(UInt64(format.rate.hertz), LiveLayout.ratePlace)
    put(ChannelCode.pack(format.layout), LiveLayout.layoutPlace)
    put(UInt64(format.layout.count) << 32 | UInt64(format.samples.rawValue), LiveLayout.samplesPlace)
    put(UInt64(chunkFrames), LiveLayout.chunkFramesPlace)
    put(identity.value.0, LiveLayout.identityPlace)
    put(identity.value.1, LiveLayout.identityPlace + 8)
    for (index, byte) in folder.utf8.enumerated() {
      (base + LiveLayout.folderPlace + index).storeBytes(of: byte, as: UInt8.self)
    }
    put(LiveLayout.magic, LiveLayout.magicPlace)
    face = LiveFace(base, capacity: capacity, frameBytes: format.frameBytes)
  }

  /// Opens what an ended process left. Nothing in it is believed before it has been looked at.
  public init(leftAt path: String) throws(RecordingError) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      throw errno == ENOENT ? RecordingError(.notFound, "\(path): no such file") : Self.failure(path, errno)
    }
    var kept = false
    defer { if !kept { close(descriptor) } }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw RecordingError(.inUse, "\(path): someone records into it now")
    }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size > LiveLayout.headBytes,
      facts.st_size < 1 << 36
    else { throw Self.damaged(path) }
    let bytes = Int(facts.st_size)
    let mapped = Self.map(descriptor, bytes)
    guard let base = mapped, base != MAP_FAILED else { throw Self.failure(path, errno) }
    defer { if !kept { munmap(base, bytes) } }
    func word(_ place: Int) -> UInt64 { base.loadUnaligned(fromByteOffset: place, as: UInt64.self) }
    let capacity = Int(truncatingIfNeeded: word(LiveLayout.capacityPlace))
    let counts = word(LiveLayout.samplesPlace)
    let chunkFrames = Int(truncatingIfNeeded: word(LiveLayout.chunkFramesPlace))
    guard word(LiveLayout.magicPlace) == LiveLayout.magic, word(LiveLayout.versionPlace) == LiveLayout.version,
      let samples = SampleFormat(rawValue: UInt32(truncatingIfNeeded: counts)),
      let layout = ChannelCode.unpack(word(LiveLayout.layoutPlace), count: Int(counts >> 32)),
      RecordingFormat.rates.contains(Int(truncatingIfNeeded: word(LiveLayout.ratePlace))),
      capacity > 0, capacity < 1 << 32, capacity & (capacity - 1) == 0, chunkFrames > 0, chunkFrames < 1 << 40
    else { throw Self.damaged(path) }
    let format = RecordingFormat(
      rate: SampleRate(hertz: Int(word(LiveLayout.ratePlace))), layout: layout, samples: samples)
    guard bytes == LiveLayout.headBytes + capacity * format.frameBytes else { throw Self.damaged(path) }
    let name = UnsafeRawBufferPointer(start: base + LiveLayout.folderPlace, count: LiveLayout.folderRoom)
    folder = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    face = LiveFace(base, capacity: capacity, frameBytes: format.frameBytes)
    let (written, copied) = (
      face.written.pointee.load(ordering: .acquiring), face.copied.pointee.load(ordering: .relaxed)
    )
    let marks = face.marksWritten.pointee.load(ordering: .relaxed) - face.marksTaken.pointee.load(ordering: .relaxed)
    guard copied >= 0, written >= copied, written - copied <= capacity, written < 1 << 48,
      (0...LiveLayout.markCount).contains(marks)
    else { throw Self.damaged(path) }
    kept = true
    self.path = path
    self.format = format
    self.chunkFrames = chunkFrames
    identity = RecordingIdentity(word(LiveLayout.identityPlace), word(LiveLayout.identityPlace + 8))
    self.base = base
    self.bytes = bytes
    self.descriptor = descriptor
    isLocked = false
  }

  deinit {
    munmap(base, bytes)
    close(descriptor)
  }

  /// All that it had is elsewhere now.
  func remove() { unlink(path) }

  private static func map(_ descriptor: Int32, _ bytes: Int) -> UnsafeMutableRawPointer? {
    mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0)
  }

  private static func damaged(_ path: String) -> RecordingError {
    RecordingError(.damaged, "\(path) is no memory of a recording, or broken")
  }

  private static func failure(_ path: String, _ reason: Int32) -> RecordingError {
    RecordingError(
      .memory, "\(path): \(String(cString: strerror(reason)))",
      hint: "a recording needs some megabytes in the runtime directory")
  }
}

/// A recording's own number, so that its parts are known for its.
public struct RecordingIdentity: Sendable, Hashable, CustomStringConvertible {
  let value: (UInt64, UInt64)

  init(_ high: UInt64, _ low: UInt64) { value = (high, low) }

  public init() {
    var source = SystemRandomNumberGenerator()
    value = (source.next(), source.next())
  }

  public static func == (a: Self, b: Self) -> Bool { a.value == b.value }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(value.0)
    hasher.combine(value.1)
  }

  public var description: String { Hexadecimal.text(value.0) + Hexadecimal.text(value.1) }
}

/// Channels as numbers in files.
enum ChannelCode {
  static func pack(_ layout: ChannelLayout) -> UInt64 {
    layout.labels.enumerated().reduce(0) { $0 | UInt64($1.element.rawValue) << (8 * UInt64($1.offset)) }
  }

  static func unpack(_ code: UInt64, count: Int) -> ChannelLayout? {
    guard (1...ChannelLayout.limit).contains(count) else { return nil }
    var labels: [ChannelLabel] = []
    for channel in 0..<count {
      guard let label = ChannelLabel(rawValue: UInt8(truncatingIfNeeded: code >> (8 * UInt64(channel)))) else {
        return nil
      }
      labels.append(label)
    }
    return ChannelLayout(labels)
  }
}

enum Hexadecimal {
  static func text(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    bytes.reduce(into: "") { text, byte in
      text += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
    }
  }
}
