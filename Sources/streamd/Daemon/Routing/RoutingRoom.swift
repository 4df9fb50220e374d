import AudioCore
import AudioIO
import Control
import Glibc
import Leases
import Policy
import Settings
import SoundFiles
import Wiring

/// Where applications' sound goes and how it is treated: the profile in use with what the user has set, its buses, and
/// every stream's route.
///
/// Without a profile in use nothing of the user's is touched and nothing is there.
@ControlActor
final class RoutingRoom {
  let backend: any AudioBackend
  let book: any AppStreamBook
  /// Nil where there is no place to write down what is changed: then only the way back on a clean stop is sure.
  let lease: AppStreamLease?
  let ends: GraphEnds
  let bus: EventBus
  let tell: @ControlActor (_ text: String, _ isTrouble: Bool) -> Void
  /// Called when other streams are to be left out of what clients hear.
  var exclusionsChanged: (@ControlActor () -> Void)?

  private let file: OverlayFile?
  private let configured: String
  private var watch: FolderWatch?
  private(set) var store: ProfileStore
  private(set) var overlay = Overlay()
  /// Nil while no profile is in use.
  private(set) var effective: Effective?
  /// What could not be done as the profile says.
  var troubles: [String] = []

  var buses: [String: RouteBus] = [:]
  /// Buses that nobody is to play into any more; they go a moment later.
  var leaving: [RouteBus] = []
  var streams = StreamTable()
  var levels: LevelRoom
  let filters = AppFilters()
  private var isWatching = false
  var reconciler = Reconciler()
  /// Streams that no client hears.
  var excluded: Set<AppStream.ID> = []
  var lastRealSink: String?
  /// The real sink that was the user's default last.
  var lastDefaultSink: String?
  /// Nil where there is no lease to be had.
  var sinkDefault: OwnDefault?
  let makesDefault: Bool
  /// A session has the default sink.
  var isSuspended = false
  private var leaseFailure: LeaseError?
  var meterTimer: LoopTimer?
  var metersPerSecond = 0.0
  var serviceTimer: LoopTimer?
  var stepTimer: LoopTimer?

  static let off = ""

  private static func lease(on book: any AppStreamBook, _ tell: (_ text: String, _ isTrouble: Bool) -> Void)
    -> AppStreamLease?
  {
    do throws(LeaseError) { return AppStreamLease(book: book, file: try .standard(.passing)) } catch {
      tell("\(error)", true)
      return nil
    }
  }

  private static var environment: [String: String] {
    let names = ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS"]
    return Dictionary(
      uniqueKeysWithValues: names.compactMap { name in getenv(name).map { (name, String(cString: $0)) } })
  }

  /// Profiles that come with a program stand beside it.
  private static var executable: String? {
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    return count > 0 ? String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }

  init(
    settings: Settings.Routing, backend: any AudioBackend, book: any AppStreamBook, ends: GraphEnds, bus: EventBus,
    defaultSink: DefaultDeviceLease?,
    tell: @escaping @ControlActor (_ text: String, _ isTrouble: Bool) -> Void
  ) {
    self.backend = backend
    self.book = book
    self.ends = ends
    self.bus = bus
    self.tell = tell
    configured = settings.profile
    file = OverlayFile.standard()
    lease = Self.lease(on: book, tell)
    levels = LevelRoom(book: book, lease: lease)
    let vocabulary = ProfileText.Vocabulary(presets: BusGraph.presets, nodeKinds: BusGraph.nodeKinds)
    store = ProfileStore(
      places: ProfilePlace.all(
        environment: Self.environment, executable: Self.executable, extra: settings.profileFolders),
      vocabulary: vocabulary)
    makesDefault = settings.makeDefault
    sinkDefault = defaultSink.map { lease in
      Self.sinkDefault(lease) { news in
        switch news {
        case .note(let note): tell("\(note)", false)
        case .failed(let error): tell("\(error)", true)
        }
      }
    }
    levels.news = { [weak self] in self?.publish($0) }
    declareMeters()
    bus.declare("profile", .log, summary: "another profile, another value, or files that were read again")
    bus.declare("routing", .log, summary: "streams that were routed, that ended, or that somebody else has moved")
  }

  /// Reads files and goes on as it was before the last stop.
  func start() {
    store.reload()
    for error in store.errors { tell("profile \(error)", true) }
    if let text = file?.read() {
      var notes: [String] = []
      overlay = Overlay(text: text, notes: &notes)
      for note in notes { tell("what was set before: \(note)", true) }
    }
    let folders = store.places.filter { $0.origin == .user || $0.origin == .extra }.map(\.directory)
    do throws(ControlError) {
      watch = try FolderWatch(folders) { [weak self] in self?.filesChanged() }
    } catch { tell("profiles: \(error.message)", true) }
    let name = overlay.activeProfile ?? configured
    guard name != Self.off else { return }
    if let profile = store[name] { return take(Effective(profile, overlay)) }
    tell("there is no profile \"\(name)\"; \"default\" is in its place", true)
    if let profile = store["default"] { take(Effective(profile, overlay)) }
  }

  /// Puts everything back.
  func shutdown() {
    watch?.stop()
    watch = nil
    // Players stay where they are while the default goes back to where it was.
    sinkDefault?.shutdown()
    leave()
    if let lease {
      attempt { () throws(LeaseError) in
        _ = try lease.releaseAll()
        return try lease.finish(within: .milliseconds(500))
      }
    }
    for bus in leaving { bus.stop() }
    leaving = []
    for timer in [serviceTimer, stepTimer, meterTimer] { timer.map(EventLoop.shared.cancel) }
    (serviceTimer, stepTimer, meterTimer) = (nil, nil, nil)
  }

  // MARK: Profiles

  func use(_ name: String) throws(ControlError) -> JSON {
    let profile = try self.profile(name)
    let change = effective.map { ProfileChange(from: $0.profile, to: Effective(profile, overlay).profile) }
    try edit { (overlay) throws(SettingsError) in overlay.activeProfile = name }
    bus.publish("profile", ["kind": "used", "name": .string(name)])
    tell("profile \"\(name)\" in use", false)
    return [
      "name": .string(name), "change": .string(change.map { "\($0.extent)" } ?? "devices"),
      "warnings": JSON(warnings),
    ]
  }

  func switchOff() throws(ControlError) {
    try edit { (overlay) throws(SettingsError) in overlay.activeProfile = Self.off }
    bus.publish("profile", ["kind": "off"])
    tell("no profile in use", false)
  }

  func reload() -> JSON {
    let changed = store.reload()
    if let effective, let profile = store[effective.profile.name] { take(Effective(profile, overlay)) }
    let loaded = JSON(store.entries.map(\.name))
    bus.publish("profile", ["kind": "reloaded", "loaded": loaded, "changed": JSON(changed.sorted())])
    return ["reloaded": loaded, "changed": JSON(changed.sorted()), "warnings": JSON(warnings)]
  }

  private func filesChanged() {
    let before = store.errors
    let changed = store.reload()
    for error in store.errors where !before.contains(error) { tell("profile \(error); it stays as it was", true) }
    guard !changed.isEmpty else { return }
    tell("profiles read again: \(changed.sorted().joined(separator: ", "))", false)
    bus.publish("profile", ["kind": "reloaded", "loaded": JSON(changed.sorted())])
    guard let effective, changed.contains(effective.profile.name) else { return }
    guard let profile = store[effective.profile.name] else {
      return tell("profile \"\(effective.profile.name)\" has no file any more; it stays as it was", true)
    }
    take(Effective(profile, overlay))
  }

  func profile(_ name: String?) throws(ControlError) -> Profile {
    guard let name else {
      guard let effective else {
        throw ControlError(.unavailable, "no profile is in use", hint: "streamctl profile use default")
      }
      return effective.profile
    }
    guard let profile = store[name] else {
      let hint = store.nearest(to: name).map { "did you mean \($0)?" }
      throw ControlError(.notFound, "there is no profile \"\(name)\"", path: "name", hint: hint)
    }
    return profile
  }

  var warnings: [String] {
    store.errors.map { "\($0)" } + (effective?.profile.warnings.map { "\($0)" } ?? []) + (effective?.notes ?? [])
      + troubles
  }

  /// The profile that was chosen is not there; another is in its place.
  var isProfileMissing: Bool {
    let name = overlay.activeProfile ?? configured
    return name != Self.off && store[name] == nil
  }

  // MARK: What the user sets

  /// Changes what is set, keeps it, and lets it take effect. Nothing happens if it is refused.
  @discardableResult
  func edit<Made>(_ change: (inout Overlay) throws(SettingsError) -> Made) throws(ControlError) -> Made {
    var next = overlay
    let made: Made
    do throws(SettingsError) { made = try change(&next) } catch { throw error.controlError }
    guard next != overlay else { return made }
    // Kept first: what could not be kept is said, and holds all the same until the end.
    var failure: ControlError?
    do throws(ControlError) { try file?.write(next.text) } catch { failure = error }
    overlay = next
    let name = next.activeProfile ?? configured
    if name == Self.off {
      leave()
    } else if let profile = store[name] ?? effective?.profile {
      take(Effective(profile, next))
    }
    if let failure { throw failure }
    return made
  }

  // MARK: Taking effect

  private func take(_ next: Effective) {
    let before = effective
    guard next != before else { return }
    effective = next
    attendWatch()
    attendBuses(next.profile)
    let isSame = before.map { $0.routing() == next.routing() } ?? false
    if !isSame {
      if before != nil { bus.publish("routing", ["kind": "rule_changed"]) }
      streams.rulesChanged()
    }
    attendDefault()
    routeAll()
    levels.apply(next, streams.all)
  }

  private func leave() {
    guard effective != nil else { return }
    effective = nil
    attendDefault()
    levels.stop()
    routeNothing()
    attendWatch()
    closeBuses()
    troubles = []
  }

  /// Which applications a capture hears that does not hear everybody; nil for one that does.
  func filter(for choice: AppChoice) -> SourceFilter? {
    guard choice != .everybody else { return nil }
    let filter = filters.filter(for: choice)
    attendWatch()
    filters.update(streams.all)
    return filter
  }

  /// Captures have these choices now.
  func keepFilters(_ choices: Set<AppChoice>) {
    filters.keep(choices)
    attendWatch()
  }

  /// Streams are looked after while somebody needs them.
  private func attendWatch() {
    let isNeeded = effective != nil || !filters.isEmpty
    guard isNeeded != isWatching else { return }
    isWatching = isNeeded
    if isNeeded { watchStreams() } else { stopWatchingStreams() }
  }

  /// Every half second.
  func tick() {
    for bus in buses.values { bus.service(at: renderNow()) }
    for (name, bus) in buses {
      for trouble in bus.takeTroubles() { tell("bus \(name): \(trouble)", true) }
    }
    stepDefault()
    routeAll()
    attendMeters()
    if let lease { attempt { () throws(LeaseError) in try lease.step() } }
  }

  /// Carries out what has to do with leases, and says what came of it.
  func attempt(_ work: () throws(LeaseError) -> [LeaseNote]) {
    do throws(LeaseError) {
      for note in try work() { tell("\(note)", false) }
      leaseFailure = nil
    } catch {
      // The same is said once.
      if error != leaseFailure { tell("\(error)", true) }
      leaseFailure = error
    }
  }
}

extension SettingsError {
  var controlError: ControlError {
    ControlError(
      code == .unknownKey ? .notFound : .badArgs, message, path: key,
      hint: hint.map { "did you mean \($0)?" })
  }
}
