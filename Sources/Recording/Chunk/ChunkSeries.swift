import AudioCore

/// Puts frames into chunk files, one behind the other, each full to the frame.
///
/// Whatever throws may be called again: what has not been done is done then. Thread: the one worker.
final class ChunkSeries {
  /// What is the same for all of them.
  struct Terms {
    var folder: String
    var uri: String
    var device: String
    var format: RecordingFormat
    var identity: RecordingIdentity
    var chunkFrames: Int
    var store: ContentStore?
    /// So much of the end is kept; nil for all.
    var keptFrames: Int?
  }

  let terms: Terms
  let disk: any DiskLayer
  /// Frames and time that the chunks have.
  private(set) var frame = 0
  private(set) var position = 0
  private(set) var bytes = 0
  private(set) var sealed: [SealedChunk] = []
  private var current: Current?
  private var prepared: (number: Int, path: String, file: any DiskFile)?
  private var number = 0
  /// What the next chunk is to be called as well, and what became of such names.
  private var nextName: String?
  private(set) var namings: [Naming] = []
  /// Sealed chunks that may have to go.
  private var kept: [SealedChunk] = []
  /// The wall and the monotonic time of a position.
  var clock: (_ position: Int) -> (wall: Int64, monotonic: Int64) = { _ in (0, 0) }

  /// A second name that a chunk was to have; nil where it has it.
  typealias Naming = (path: String, trouble: DiskError?)

  private final class Current {
    var header: ChunkHeader
    let file: any DiskFile
    let path: String
    let content = ContentDigest()
    var isDirty = true
    var digest: [UInt8]?
    var stored: String?

    init(_ header: ChunkHeader, _ file: any DiskFile, _ path: String) {
      self.header = header
      self.file = file
      self.path = path
    }
  }

  init(_ terms: Terms, disk: any DiskLayer) {
    self.terms = terms
    self.disk = disk
  }

  static func name(_ number: Int) -> String {
    String(repeating: "0", count: max(0, 6 - "\(number)".count)) + "\(number).chunk"
  }

  /// The number in a chunk's name.
  static func number(_ name: String) -> Int? {
    guard name.hasSuffix(".chunk"), let number = Int(name.dropLast(6)), number > 0 else { return nil }
    return number
  }

  var currentPath: String? { current?.path }
  var currentFrames: Int { current?.header.committed ?? 0 }

  /// What was sealed since the last call. Thread: worker.
  func takeSealed() -> [SealedChunk] {
    defer { sealed = [] }
    return sealed
  }

  /// Makes the file of the next chunk, so that it is there when it is needed.
  func prepare() throws(DiskError) {
    guard prepared == nil else { return }
    let next = number + 1
    let path = terms.folder + "/" + Self.name(next) + ".next"
    disk.remove(path)
    let bytes = ChunkHeader.bytes + terms.chunkFrames * terms.format.frameBytes
    let file: any DiskFile
    do throws(DiskError) {
      file = try disk.create(path, bytes: bytes)
    } catch  where error.cause == .missing {
      // Somebody has tidied up.
      try disk.makeFolder(terms.folder)
      file = try disk.create(path, bytes: bytes)
    }
    prepared = (next, path, file)
  }

  private func open() throws(DiskError) -> Current {
    if let current { return current }
    try prepare()
    guard let prepared else { throw DiskError(.other, path: terms.folder, reason: "no chunk is there") }
    let time = clock(position)
    let header = ChunkHeader(
      recording: terms.identity, uri: terms.uri, device: terms.device, format: terms.format, number: prepared.number,
      capacity: terms.chunkFrames, firstFrame: frame, position: position, wallTime: time.wall,
      monotonicTime: time.monotonic)
    try prepared.file.write(header)
    let path = terms.folder + "/" + Self.name(prepared.number)
    try disk.rename(prepared.path, to: path)
    let opened = Current(header, prepared.file, path)
    number = prepared.number
    self.prepared = nil
    current = opened
    callBy(nextName, path)
    return opened
  }

  /// A name that cannot be costs no sound.
  private func callBy(_ name: String?, _ path: String) {
    guard let name else { return }
    nextName = nil
    do throws(DiskError) {
      let isNew = try disk.link(path, as: name)
      namings.append((name, isNew ? nil : DiskError(.exists, path: name, reason: "a file is there already")))
    } catch { namings.append((name, error)) }
  }

  /// What became of second names since the last call. Thread: worker.
  func takeNamings() -> [Naming] {
    defer { namings = [] }
    return namings
  }

  /// Time goes on to a position without sound.
  func skip(to new: Int, _ cause: GapCause) throws(DiskError) {
    guard new > position else { return }
    if let current, current.header.gaps.count == ChunkHeader.gapLimit { try seal(current) }
    let chunk = try open()
    chunk.header.gaps.append(
      ChunkHeader.Gap(frame: chunk.header.committed, length: new - position, cause: cause))
    chunk.isDirty = true
    position = new
  }

  /// The frames that go into the chunk at hand, which may be fewer.
  func write(_ samples: UnsafeRawBufferPointer) throws(DiskError) -> Int {
    let frameBytes = terms.format.frameBytes
    if let current, current.header.committed == terms.chunkFrames { try seal(current) }
    let chunk = try open()
    let frames = min(samples.count / frameBytes, terms.chunkFrames - chunk.header.committed)
    let part = UnsafeRawBufferPointer(rebasing: samples[..<(frames * frameBytes)])
    try chunk.file.write(part, at: ChunkHeader.bytes + chunk.header.committed * frameBytes)
    chunk.content.add(part)
    chunk.header.committed += frames
    chunk.isDirty = true
    frame += frames
    position += frames
    bytes += part.count
    return frames
  }

  /// Says in the file what it holds. Samples come first, so whoever reads while it grows finds all that it is told of.
  func commit() throws(DiskError) {
    guard let current, current.isDirty else { return }
    try current.file.write(current.header)
    current.isDirty = false
    // It is full: what may go on at once is in the next.
    if current.header.committed == terms.chunkFrames { try seal(current) }
  }

  /// Returns once the disk has what was committed.
  func sync() throws(DiskError) { try current?.file.sync() }

  /// Ends the chunk at hand where it is. The next one is found by `name` as well.
  func cut(next name: String? = nil) throws(DiskError) {
    if let name { nextName = name }
    guard let current else { return }
    try seal(current)
  }

  /// The last one too, and what was made for more goes.
  func finish() throws(DiskError) {
    try cut()
    if let prepared { disk.remove(prepared.path) }
    prepared = nil
  }

  private func seal(_ chunk: Current) throws(DiskError) {
    let digest = chunk.digest ?? chunk.content.finish()
    chunk.digest = digest
    chunk.header.digest = digest
    chunk.header.isSealed = true
    try chunk.file.truncate(to: ChunkHeader.bytes + chunk.header.committed * terms.format.frameBytes)
    // The samples before the word that they are there.
    try chunk.file.sync()
    try chunk.file.write(chunk.header)
    try chunk.file.sync()
    if let store = terms.store, chunk.stored == nil { chunk.stored = try store.add(chunk.path) }
    let facts = SealedChunk(chunk.header, path: chunk.path, stored: chunk.stored)
    if terms.keptFrames == nil { try Manifest.add(facts.entry, in: terms.folder, on: disk) }
    sealed.append(facts)
    current = nil
    letGo(behind: facts)
  }

  /// What lies before what is to be kept.
  private func letGo(behind newest: SealedChunk) {
    guard let keptFrames = terms.keptFrames else { return }
    kept.append(newest)
    while let oldest = kept.first, oldest.position + oldest.length <= position - keptFrames {
      disk.remove(oldest.path)
      kept.removeFirst()
    }
  }

  // MARK: After a crash

  /// Goes on behind chunks that are there, the last of which may be unsealed. Returns the files that are no chunks of this
  /// recording.
  func resume() throws(DiskError) -> [String] {
    var foreign: [String] = []
    let names = try disk.list(terms.folder)
    for name in names where name.hasSuffix(".chunk.next") { disk.remove(terms.folder + "/" + name) }
    for number in names.compactMap({ Self.number($0) }).sorted() {
      let path = terms.folder + "/" + Self.name(number)
      guard let header = try? ChunkHeader.read(path, on: disk), header.recording == terms.identity,
        header.format == terms.format
      else {
        foreign.append(path)
        self.number = number
        continue
      }
      try cut()
      self.number = number
      frame = max(frame, header.firstFrame + header.committed)
      position = max(position, header.position + header.length)
      guard !header.isSealed else { continue }
      let opened = Current(header, try disk.open(path, forWriting: true), path)
      opened.isDirty = true
      try opened.content.add(opened.file, from: ChunkHeader.bytes, count: header.committed * terms.format.frameBytes)
      current = opened
    }
    // A chunk that had been made smaller than it was to be, or was cut: it takes no more than it has room for.
    if let current, current.header.capacity != terms.chunkFrames { try cut() }
    return foreign
  }
}

/// A chunk that will not change any more.
public struct SealedChunk: Sendable, Equatable {
  public var number: Int
  public var path: String
  public var frames: Int
  public var position: Int
  public var length: Int
  public var bytes: Int
  public var wallTime: Int64
  /// SHA-256 of the samples.
  public var digest: String
  /// Its name in the content store.
  public var stored: String?

  init(_ header: ChunkHeader, path: String, stored: String?) {
    number = header.number
    self.path = path
    frames = header.committed
    position = header.position
    length = header.length
    bytes = header.committed * header.format.frameBytes
    wallTime = header.wallTime
    digest = Hexadecimal.text(header.digest)
    self.stored = stored
  }

  var entry: Manifest.Entry {
    var fields = [
      ("n", "\(number)"), ("frames", "\(frames)"), ("at", "\(position)"), ("length", "\(length)"),
      ("wall", "\(wallTime)"), ("sha256", digest),
    ]
    if let stored { fields.append(("stored", stored)) }
    return Manifest.Entry("sealed", fields)
  }
}

extension DiskFile {
  /// Gaps first: the first page says how many of them count.
  func write(_ header: ChunkHeader) throws(DiskError) {
    if !header.gaps.isEmpty { try write(header.table, at: ChunkHeader.pageBytes) }
    try write(header.page, at: 0)
  }

  private func write(_ bytes: [UInt8], at place: Int) throws(DiskError) {
    try bytes.withUnsafeBufferPointer { (all: UnsafeBufferPointer<UInt8>) throws(DiskError) in
      try write(UnsafeRawBufferPointer(all), at: place)
    }
  }
}

extension ContentDigest {
  func add(_ file: any DiskFile, from place: Int, count: Int) throws(DiskError) {
    var done = 0
    while done < count {
      let bytes = try file.read(count: min(1 << 18, count - done), at: place + done)
      if bytes.isEmpty { break }
      bytes.withUnsafeBytes { add($0) }
      done += bytes.count
    }
  }
}
