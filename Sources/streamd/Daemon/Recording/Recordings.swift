import AudioCore
import AudioIO
import Control
import Glibc
import OpusCodec
import Recording
import Settings
import Wiring

/// What is being recorded, by the names that people gave.
@ControlActor
final class Recordings {
  final class Entry {
    let request: RecordingRequest
    let stream: RecordingStream
    let format: RecordingFormat
    let source: RecordedDevice
    var told = Told()
    private var faults = Faults()
    var isAbsent = false
    /// What was told last of where it is.
    var head = -1
    fileprivate var waiters: [CheckedContinuation<Bool, Never>] = []
    fileprivate(set) var isEnding = false

    init(_ request: RecordingRequest, _ stream: RecordingStream, _ format: RecordingFormat, _ source: RecordedDevice) {
      self.request = request
      self.stream = stream
      self.format = format
      self.source = source
    }

    /// Of the thread that renders: since it had rendered for half a second.
    private struct Faults {
      var thread: UInt = 0
      var since = 0
      var before: Int?
    }

    @ControlActor func countFaults(_ facts: Recording.Facts) {
      if facts.thread != faults.thread { faults = Faults(thread: facts.thread, since: facts.frames) }
      // The first half second is the server's, whose buffers are new.
      guard faults.before == nil, (facts.frames - faults.since) * 2 >= format.rate.hertz else { return }
      faults.before = RecordingReport.faults(of: facts.thread)
    }

    @ControlActor func pageFaults(_ facts: Recording.Facts) -> Int? {
      guard let before = faults.before, facts.thread == faults.thread else { return nil }
      return RecordingReport.faults(of: facts.thread).map { $0 - before }
    }

    struct Told {
      var lastChunk: SealedChunk?
    }
  }

  let settings: Settings.Recording
  let bus: EventBus
  let backends: SoundSystems
  let devices: DeviceRoom
  unowned let stage: any RecordingStage
  var entries: [String: Entry] = [:]
  /// Names that are being started.
  private var starting: Set<String> = []
  private lazy var disk: any DiskLayer = makeDisk()
  var lastNode = 0
  /// Rates of devices that have just been looked at.
  var seen: [RecordedDevice: SampleRate] = [:]
  /// Downlinks that somebody is about to record.
  var looking: [Downlink.Key] = []

  init(
    settings: Settings.Recording, backends: SoundSystems, devices: DeviceRoom, bus: EventBus,
    stage: any RecordingStage
  ) {
    self.settings = settings
    self.backends = backends
    self.devices = devices
    self.bus = bus
    self.stage = stage
  }

  func tell(_ text: String, _ isTrouble: Bool) { stage.tell(text, isTrouble: isTrouble) }

  // MARK: Places

  /// Where recordings go whose folder nobody named.
  var folder: String? { RecordingPlaces.folder(settings.folder) }

  private func makeDisk() -> any DiskLayer {
    guard settings.quota > 0 else { return Disk() }
    let used = folder.map { DiskBudget.measure($0, on: Disk()) } ?? 0
    return BudgetedDisk(Disk(), DiskBudget(limit: settings.quota << 20, used: used))
  }

  // MARK: Starting

  /// All or none of them. More than one begin at the same time, to the frame.
  func start(_ requests: [RecordingRequest]) async throws(ControlError) -> [Entry] {
    try reserve(requests)
    defer {
      for request in requests { starting.remove(request.uri) }
      if starting.isEmpty { (looking, seen) = ([], [:]) }
    }
    var prepared: [(RecordingRequest, any RecordingSource, RecordingFormat, RecordedDevice)] = []
    var made: [Entry] = []
    do throws(ControlError) {
      for request in requests {
        let device = RecordedDevice(request.device)
        let (source, format) = try await source(device, request)
        prepared.append((request, source, format, device))
      }
      for (request, source, format, device) in prepared {
        made.append(Entry(request, try open(request, source, format), format, device))
      }
    } catch {
      for entry in made { entry.stream.discard() }
      for (_, source, _, _) in prepared { source.stop() }
      looking = []
      stage.releaseUnused()
      throw error
    }
    let start = made.count > 1 ? renderNow() + Self.head : nil
    for entry in made {
      entries[entry.request.uri] = entry
      entry.stream.begin(at: start)
      tell("recording \(entry.request.uri): \(entry.request.device) to \(entry.stream.recording.terms.folder)", false)
      bus.publish("stream_started", .object(report(of: entry)))
    }
    return made
  }

  /// Until devices bring their first blocks.
  private static let head = HostDuration.milliseconds(250)

  private func reserve(_ requests: [RecordingRequest]) throws(ControlError) {
    let known = (Array(entries.keys) + starting + requests.map(\.uri)).count { !$0.hasPrefix(FlightHop.prefix) }
    guard known <= settings.maxStreams else {
      throw ControlError(
        .busy, "\(known - requests.count) streams are being recorded, and at most \(settings.maxStreams) may be",
        hint: "max_streams under [recording]")
    }
    var named: Set<String> = []
    for request in requests {
      guard entries[request.uri] == nil, !starting.contains(request.uri), named.insert(request.uri).inserted else {
        throw ControlError(
          .conflict, "\(request.place)uri: \"\(request.uri)\" is being recorded already", path: request.place + "uri",
          hint: "stream_stop it first")
      }
    }
    starting.formUnion(named)
  }

  private func open(
    _ request: RecordingRequest, _ source: any RecordingSource, _ format: RecordingFormat
  ) throws(ControlError) -> RecordingStream {
    let usual = request.keepSeconds == nil ? self.folder : RecordingPlaces.passingFolder
    guard let folder = request.path ?? RecordingPlaces.fresh(in: usual, for: request.uri) else {
      throw ControlError(
        .badArgs, "\(request.place)path: there is no place for recordings", path: request.place + "path",
        hint: "set HOME or XDG_DATA_HOME, or folder under [recording]")
    }
    var terms = Recording.Terms(
      uri: request.uri, device: request.device, format: format, sourceRate: source.format.rate,
      chunkBytes: request.chunkBytes(format), folder: folder, liveFolder: RecordingPlaces.liveFolder)
    terms.sourceLayout = source.format.layout
    terms.liveSeconds = Double(settings.buffer)
    terms.keepSeconds = request.keepSeconds
    terms.store = settings.store.isEmpty || request.keepSeconds != nil ? nil : settings.store
    let uri = request.uri
    do throws(RecordingError) {
      return try RecordingStream(
        source, terms, disk: disk,
        told: { [weak self] event in EventLoop.shared.post { self?.take(event, of: uri) } },
        absence: { [weak self] error in EventLoop.shared.post { self?.absent(error, uri) } },
        over: { [weak self] isSaved in EventLoop.shared.post { self?.ended(uri, isSaved) } })
    } catch {
      throw error.controlError(request)
    }
  }

  // MARK: Running

  func entry(_ uri: String) throws(ControlError) -> Entry {
    if let entry = entries[uri], !entry.isEnding { return entry }
    // What `record start` names after its device may be called by the device.
    if let entry = entries["stream://" + uri], !entry.isEnding { return entry }
    let known = entries.keys.sorted().prefix(8).map { "\"\($0)\"" }.joined(separator: ", ")
    throw ControlError(
      .notFound, "no stream \"\(uri)\" is being recorded", path: "uri",
      hint: known.isEmpty ? "none is being recorded" : "these are: \(known)")
  }

  var all: [Entry] { entries.values.sorted { $0.request.uri < $1.request.uri } }

  /// Its last figures, once everything is on the disk; false where the disk did not take it all.
  func stop(_ entry: Entry) async -> Bool {
    let isFirst = !entry.isEnding
    entry.isEnding = true
    return await withCheckedContinuation { waiter in
      entry.waiters.append(waiter)
      if isFirst { entry.stream.stop() }
    }
  }

  private func ended(_ uri: String, _ isSaved: Bool) {
    guard let entry = entries.removeValue(forKey: uri) else { return }
    entry.stream.join()
    if entry.request.keepSeconds != nil, entry.request.path == nil {
      RecordingPlaces.forget(entry.stream.recording.terms.folder)
    }
    stage.releaseUnused()
    var last = report(of: entry)
    last["saved"] = .bool(isSaved)
    tell(
      "recording \(uri) ended after \(entry.stream.recording.facts.savedFrames) frames"
        + (isSaved ? "" : "; the disk did not take the rest, which is in memory: streamctl record recover"), !isSaved)
    bus.publish("stream_stopped", .object(last))
    for waiter in entry.waiters { waiter.resume(returning: isSaved) }
  }

  private func take(_ event: Recording.Event, of uri: String) {
    guard let entry = entries[uri] else { return }
    switch event {
    case .chunkFull(let chunk):
      entry.told.lastChunk = chunk
      bus.publish("stream_chunk_full", RecordingReport.chunk(chunk, uri: uri, entry.format))
    case .gap(let position, let length, let cause):
      tell("recording \(uri): \(length) frames are missing at \(position), \(cause.name)", true)
      bus.publish(
        "stream_gap",
        ["uri": .string(uri), "position": JSON(position), "frames": JSON(length), "cause": .string(cause.name)])
    case .trouble(let error):
      tell("recording \(uri): \(error)", true)
      publishError(uri, code: error.cause.rawValue, "\(error)", isOver: false)
    case .unnamed(let error):
      tell("recording \(uri): \(error)", true)
      publishError(uri, code: "new_chunk_path", "\(error)", isOver: true)
    case .recovered:
      tell("recording \(uri): the disk takes it again", false)
      publishError(uri, code: "disk", "the disk takes it again", isOver: true)
    }
  }

  /// A device that has gone, or is back; not one that is only beginning.
  private func absent(_ error: BackendError?, _ uri: String) {
    guard let entry = entries[uri], !entry.isEnding, error?.code != .starting else { return }
    defer { entry.isAbsent = error != nil }
    if let error {
      tell("recording \(uri): \(error); time goes on", true)
      publishError(uri, code: error.code.rawValue, error.message, isOver: false)
    } else if entry.isAbsent {
      publishError(uri, code: "device", "\(entry.request.device) is there", isOver: true)
    }
  }

  private func publishError(_ uri: String, code: String, _ message: String, isOver: Bool) {
    bus.publish(
      "stream_error",
      [
        "uri": .string(uri), "code": .string(code), "error": .string(message), "recoverable": true,
        "recovered": .bool(isOver),
      ])
  }

  /// Twice a second.
  func tick() {
    for entry in entries.values {
      let facts = entry.stream.recording.facts
      entry.countFaults(facts)
      guard bus.hasSubscribers("stream_head_position"), facts.position != entry.head else { continue }
      entry.head = facts.position
      bus.publish(
        "stream_head_position", RecordingReport.head(facts, uri: entry.request.uri, entry.format),
        key: entry.request.uri)
    }
  }

  func report(of entry: Entry) -> JSONObject { RecordingReport.of(entry) }

  /// What is captured is brought to the disk; a disk that does not take it in time leaves it to the next start.
  func shutdown() {
    for entry in entries.values { entry.stream.stop() }
    for entry in entries.values { entry.stream.join() }
    entries = [:]
  }
}
