public import AudioCore
import Glibc
import Synchronization

/// One stream on its way into chunk files.
///
/// A source calls `client`; one worker thread calls `step` some twenty times a second and `finish` at the end; control asks
/// for facts. docs/RECORDING.md says what is promised.
public final class Recording: @unchecked Sendable {
  public struct Terms: Sendable {
    public var uri: String
    public var device: String
    public var format: RecordingFormat
    /// Of the blocks that come; resampled where it is another.
    public var sourceRate: SampleRate
    /// Of the blocks: the recording's channels are among them, by their labels.
    public var sourceLayout: ChannelLayout
    public var chunkBytes: Int
    /// Where the chunks go: a folder of its own.
    public var folder: String
    /// Where the live memory is made.
    public var liveFolder: String
    /// How long a disk may stand still.
    public var liveSeconds = 5.0
    public var store: String?
    /// Only the newest seconds are kept: chunks that lie before them go.
    public var keepSeconds: Int?

    public init(
      uri: String, device: String, format: RecordingFormat, sourceRate: SampleRate? = nil, chunkBytes: Int,
      folder: String, liveFolder: String
    ) {
      self.uri = uri
      self.device = device
      self.format = format
      self.sourceRate = sourceRate ?? format.rate
      sourceLayout = format.layout
      self.chunkBytes = chunkBytes
      self.folder = folder
      self.liveFolder = liveFolder
    }
  }

  public enum Event: Sendable, Equatable {
    case chunkFull(SealedChunk)
    case gap(position: Int, length: Int, cause: GapCause)
    /// The disk refuses. Sound waits in memory, and is lost when that is full.
    case trouble(DiskError)
    /// The disk takes it again.
    case recovered
    /// A chunk could not be given the second name that somebody wanted.
    case unnamed(DiskError)
  }

  public struct Facts: Sendable, Equatable {
    /// Frames captured, and those of them that are in chunk files.
    public var frames = 0
    public var savedFrames = 0
    /// Where in its time it is: frames and gaps.
    public var position = 0
    public var savedBytes = 0
    public var chunks = 0
    public var chunkPath: String?
    public var chunkFrames = 0
    public var callbacks = 0
    public var gaps = 0
    public var gapFrames = 0
    public var droppedFrames = 0
    public var writeErrors = 0
    public var trouble: DiskError?
    /// When position 0 was, in nanoseconds since 1970; nil before.
    public var startedAt: Int64?
    /// The live memory, and whether it can not be swapped out.
    public var liveFrames = 0
    public var isLocked = false
    /// The number of the thread that renders, or has: a device may have another each time; 0 before it came.
    public var thread: UInt = 0
  }

  public static let chunkRange = 4096...(1 << 40)
  public static let defaultChunkBytes = 16 << 20

  public let terms: Terms
  public let client: RecorderClient
  public let identity = RecordingIdentity()
  private let memory: LiveMemory
  private let disk: any DiskLayer
  private let told: @Sendable (Event) -> Void
  private let shared = Mutex(Shared())
  private let wantsCut = Atomic<Bool>(false)

  private struct Shared {
    var savedFrames = 0
    var savedPosition = 0
    var savedBytes = 0
    var chunks = 0
    var path: String?
    var chunkFrames = 0
    var errors = 0
    var trouble: DiskError?
    var nextName: String?
  }

  // Thread: worker.
  /// What a resampler held has been recorded.
  private var isEmptied = false
  private let series: ChunkSeries
  private var retryAt = HostTime(nanoseconds: 0)
  private var pause = firstPause
  private var syncAt = HostTime(nanoseconds: 0)

  private static let firstPause = HostDuration.milliseconds(50)
  private static let longestPause = HostDuration.milliseconds(500)
  /// What a loss of power may cost.
  private static let syncEvery = HostDuration.seconds(1)

  /// Makes folder, memory and the first chunk's file: what cannot work is said here. `told` is called by the worker.
  /// Thread: control.
  public init(
    _ terms: Terms, disk: any DiskLayer = Disk(), told: @escaping @Sendable (Event) -> Void
  ) throws(RecordingError) {
    try terms.check()
    self.terms = terms
    self.disk = disk
    self.told = told
    let chunkFrames = terms.chunkBytes / terms.format.frameBytes
    do throws(DiskError) {
      try disk.makeFolder(terms.folder)
      guard try !disk.list(terms.folder).contains(Manifest.name) else {
        throw DiskError(.exists, path: terms.folder, reason: "a recording is there already")
      }
      try disk.makeFolder(terms.liveFolder)
    } catch {
      throw Self.refusal(error)
    }
    let memory = try LiveMemory(
      path: terms.liveFolder + "/\(identity).live", format: terms.format, seconds: terms.liveSeconds,
      chunkFrames: chunkFrames, folder: terms.folder, identity: identity)
    self.memory = memory
    client = RecorderClient(memory, rate: terms.sourceRate, layout: terms.sourceLayout)
    let store = terms.store.map { ContentStore($0, on: disk) }
    series = ChunkSeries(
      ChunkSeries.Terms(
        folder: terms.folder, uri: terms.uri, device: terms.device, format: terms.format, identity: identity,
        chunkFrames: chunkFrames, store: store, keptFrames: terms.keepSeconds.map { $0 * terms.format.rate.hertz }),
      disk: disk)
    do throws(DiskError) {
      try series.prepare()
      let keep = terms.keepSeconds.map { [("keep", "\($0)")] } ?? []
      try Manifest.add(
        Manifest.Entry(
          "recording",
          keep + [
            ("id", "\(identity)"), ("uri", terms.uri), ("device", terms.device),
            ("rate", "\(terms.format.rate.hertz)"), ("channels", terms.format.layout.names.joined(separator: ",")),
            ("format", terms.format.samples.name), ("chunk_frames", "\(chunkFrames)"), ("live", memory.path),
          ]), in: terms.folder, on: disk)
    } catch {
      memory.remove()
      try? series.finish()
      throw Self.refusal(error)
    }
    memory.face.wallOffset.pointee.store(Self.wallOffset, ordering: .relaxed)
    series.clock = { [face = memory.face, format = terms.format] position in
      let time = face.time(of: position, format)
      return (time == 0 ? 0 : time + Int64(face.wallOffset.pointee.load(ordering: .relaxed)), time)
    }
  }

  private static func refusal(_ error: DiskError) -> RecordingError {
    switch error.cause {
    case .exists:
      RecordingError(.exists, error.description, field: "path", hint: "each recording has a folder of its own")
    case .full, .quota: RecordingError(.disk, error.description, field: "chunk_bytes", hint: error.cause.rawValue)
    default: RecordingError(.disk, error.description, field: "path", hint: "a folder that one may write to")
    }
  }

  private static var wallOffset: Int {
    var (wall, steady) = (timespec(), timespec())
    clock_gettime(CLOCK_REALTIME, &wall)
    clock_gettime(CLOCK_MONOTONIC, &steady)
    return (wall.tv_sec - steady.tv_sec) * 1_000_000_000 + wall.tv_nsec - steady.tv_nsec
  }

  // MARK: Thread: any but render

  /// Position 0 is at a time, or with the next block. Once.
  public func begin(at time: HostTime? = nil) {
    client.state.pointee.startAt.store(time.map { Int($0.nanoseconds) } ?? 0, ordering: .releasing)
  }

  /// What the source says of its device, so that a gap has the right name.
  public func sourceIsAbsent(_ isAbsent: Bool) {
    if isAbsent { client.state.pointee.isAbsent.store(true, ordering: .relaxed) }
  }

  /// The chunk at hand ends with what has been captured by now. The next one is found by `name` as well, on the same disk.
  public func switchChunk(next name: String? = nil) {
    if let name { shared.withLock { $0.nextName = name } }
    wantsCut.store(true, ordering: .releasing)
  }

  /// The loudest sample since the last call. One reader at a time.
  public func takePeak() -> Float { Float(bitPattern: client.state.pointee.peak.exchange(0, ordering: .relaxed)) }

  public var facts: Facts {
    let face = memory.face
    let shared = shared.withLock { $0 }
    let state = client.state
    var facts = Facts()
    facts.frames = face.written.pointee.load(ordering: .acquiring)
    facts.savedFrames = shared.savedFrames
    facts.gaps = state.pointee.gaps.load(ordering: .relaxed)
    facts.gapFrames = state.pointee.gapFrames.load(ordering: .relaxed)
    facts.position = facts.frames + facts.gapFrames
    facts.savedBytes = shared.savedBytes
    facts.chunks = shared.chunks
    facts.chunkPath = shared.path
    facts.chunkFrames = shared.chunkFrames
    facts.callbacks = state.pointee.callbacks.load(ordering: .relaxed)
    facts.droppedFrames = state.pointee.dropped.load(ordering: .relaxed)
    facts.writeErrors = shared.errors
    facts.trouble = shared.trouble
    let start = face.startTime.pointee.load(ordering: .acquiring)
    facts.startedAt = start == 0 ? nil : Int64(start + face.wallOffset.pointee.load(ordering: .relaxed))
    facts.liveFrames = face.capacity
    facts.isLocked = memory.isLocked
    facts.thread = state.pointee.thread.load(ordering: .relaxed)
    return facts
  }

  // MARK: Thread: worker

  /// Brings to the disk what has come. True when the disk took it.
  @discardableResult public func step(at now: HostTime) -> Bool {
    guard now >= retryAt else { return false }
    memory.face.wallOffset.pointee.store(Self.wallOffset, ordering: .relaxed)
    do throws(DiskError) {
      try save()
      if wantsCut.exchange(false, ordering: .acquiring) {
        let name = shared.withLock { shared in
          defer { shared.nextName = nil }
          return shared.nextName
        }
        try orAgain { () throws(DiskError) in try series.cut(next: name) }
      }
      if now >= syncAt {
        try series.sync()
        syncAt = now + Self.syncEvery
      }
      publish()
      try series.prepare()
      calm()
      return true
    } catch {
      publish()
      fret(error, at: now)
      return false
    }
  }

  /// The last step, when the source has stopped: true when all is in sealed chunks. What could not be saved stays in the live
  /// memory for `CrashScan`.
  public func finish(at now: HostTime) -> Bool {
    if !isEmptied { client.state.pointee.empty() }
    isEmptied = true
    do throws(DiskError) {
      try save()
      try closeTime(at: now)
      try series.finish()
      publish()
      try Manifest.add(
        Manifest.Entry("stopped", [("frames", "\(series.frame)"), ("length", "\(series.position)")]), in: terms.folder,
        on: disk)
      memory.remove()
      calm()
      return true
    } catch {
      publish()
      fret(error, at: now)
      return false
    }
  }

  /// Nothing is to stay of it: it never began. After `finish`.
  public func discard() {
    memory.remove()
    for name in (try? disk.list(terms.folder)) ?? [] where name == Manifest.name || name.contains(".chunk") {
      disk.remove(terms.folder + "/" + name)
    }
    rmdir(terms.folder)
  }

  /// A gap that no sound has ended.
  private func closeTime(at now: HostTime) throws(DiskError) {
    let end = client.state.pointee.end
    guard client.state.pointee.hasBegun else { return }
    var last = end.position
    if client.state.pointee.isAbsent.load(ordering: .relaxed), let anchor = memory.face.lastAnchor {
      last = max(last, anchor.position + terms.format.frames(now.nanoseconds - anchor.time))
    }
    let position = series.position
    guard last > position else { return }
    let cause = end.position > position ? end.cause : .device
    try series.skip(to: last, cause)
    told(.gap(position: position, length: last - position, cause: cause))
  }

  private func save() throws(DiskError) {
    try LiveDrain.run(memory.face, into: series) { position, length, cause in
      told(.gap(position: position, length: length, cause: cause))
    }
  }

  private func orAgain(_ work: () throws(DiskError) -> Void) throws(DiskError) {
    do throws(DiskError) {
      try work()
    } catch {
      wantsCut.store(true, ordering: .relaxed)
      throw error
    }
  }

  private func publish() {
    let sealed = series.takeSealed()
    shared.withLock {
      $0.savedFrames = series.frame
      $0.savedPosition = series.position
      $0.savedBytes = series.bytes
      $0.chunks += sealed.count
      $0.path = series.currentPath
      $0.chunkFrames = series.currentFrames
    }
    for chunk in sealed { told(.chunkFull(chunk)) }
    for case let trouble? in series.takeNamings().map(\.trouble) { told(.unnamed(trouble)) }
  }

  /// One trouble is one event, however often it is tried again.
  private func fret(_ error: DiskError, at now: HostTime) {
    retryAt = now + pause
    pause = min(pause * 2, Self.longestPause)
    let isNews = shared.withLock { shared in
      shared.errors += 1
      defer { shared.trouble = error }
      return shared.trouble?.cause != error.cause
    }
    if isNews { told(.trouble(error)) }
  }

  private func calm() {
    pause = Self.firstPause
    let was = shared.withLock { shared in
      defer { shared.trouble = nil }
      return shared.trouble != nil
    }
    if was { told(.recovered) }
  }
}

extension Recording.Terms {
  func check() throws(RecordingError) {
    guard folder.hasPrefix("/") else {
      throw RecordingError(.badField, "path: \"\(folder)\" is no absolute path", field: "path")
    }
    guard (1...1024).contains(uri.utf8.count) else {
      throw RecordingError(.badField, "uri: 1 to 1024 bytes", field: "uri")
    }
    guard RecordingFormat.rates.contains(format.rate.hertz) else {
      throw RecordingError(
        .badField, "format.sample_rate: \(format.rate.hertz) is outside 8000 to 384000", field: "format.sample_rate")
    }
    guard Set(format.layout.labels).isSubset(of: sourceLayout.labels) else {
      throw RecordingError(
        .badField, "format.labels: \(sourceLayout.names.joined(separator: " ")) has not all of them",
        field: "format.labels")
    }
    guard Recording.chunkRange.contains(chunkBytes) else {
      throw RecordingError(
        .badField, "chunk_bytes: \(chunkBytes) is less than a page of 4096 bytes, or more than a file should have",
        field: "chunk_bytes")
    }
    guard chunkBytes.isMultiple(of: format.frameBytes) else {
      let near = max(format.frameBytes, chunkBytes / format.frameBytes * format.frameBytes)
      throw RecordingError(
        .badField, "chunk_bytes: \(chunkBytes) is no whole number of frames, which have \(format.frameBytes) bytes",
        field: "chunk_bytes", hint: "\(near < 4096 ? near + format.frameBytes * (4096 / format.frameBytes) : near)")
    }
  }
}
