import AudioCore
import AudioIO
import Control
import Settings
import VirtualMic
import Wiring

/// Clients' microphones: who may speak, what they are called, and what is said about them.
@ControlActor
final class Microphones {
  /// One open microphone.
  struct Entry {
    let identifier: String
    let talker: TalkerID
    let name: String
    let way: MicRequest.Way
    let port: UInt16?
    let session: UInt32?
    let ownSource: String?
    var isMuted: Bool
    /// Of the program that connected, for a local one.
    var pid: Int32?
  }

  let settings: Settings.Mic
  let uplink: Uplink
  let localPath: String?
  private(set) var entries: [Entry] = []
  private(set) var isMuted = false
  /// Of each source of ours, by node name.
  private(set) var sources: [String: StreamState] = [:]
  let makeDefault: OwnDefault?
  /// Whether push-to-talk keeps one silent, or with nil everybody; what it keeps silent nobody's unmuting opens.
  var keepsSilent: (Entry?) -> Bool = { _ in false }

  /// One has gone for good.
  var ended: (Entry) -> Void = { _ in }

  private let tell: (String, Bool) -> Void
  private var opened = 0
  private var isLocalOpen = false

  /// More would only mean that nobody closes them.
  static let limit = 32

  /// `localPath` is where programs of this computer hand in sound. `tell` takes what is worth a line, and whether it is
  /// trouble.
  init(
    settings: Settings.Mic, backend: any AudioBackend, localPath: String?, makeDefault: OwnDefault?,
    tell: @escaping (String, Bool) -> Void
  ) throws(ControlError) {
    self.settings = settings
    self.localPath = localPath
    self.makeDefault = makeDefault
    self.tell = tell
    let names = Uplink.Names(node: settings.name, description: settings.description, channels: settings.channels)
    let door = NewsDoor()
    do {
      uplink = try Uplink(backend: backend, names: names) { news in
        EventLoop.shared.post { door.owner?.hear(news) }
      }
    } catch { throw error.controlError }
    door.owner = self
    if settings.local { try openLocal() }
  }

  func stop() {
    makeDefault?.shutdown()
    uplink.stop()
  }

  // MARK: Opening and closing

  /// One that comes over the network; who hands in sound here comes to the socket of `openLocal`.
  func open(_ request: MicRequest) throws(ControlError) -> Entry {
    guard entries.count < Self.limit else {
      throw ControlError(.busy, "there are \(entries.count) microphones already", hint: "close one first")
    }
    if !request.name.isEmpty, entries.contains(where: { $0.name == request.name }) {
      throw ControlError(.conflict, "a microphone is named \"\(request.name)\" already", path: "name")
    }
    let talker = uplink.makeTalker()
    let session: UInt32? = request.way == .sealed ? freeSession() : nil
    let terms = try request.terms(for: talker, session: session ?? 0)
    let port: UInt16
    do {
      port = try uplink.open(terms, channels: request.channels, bind: request.bind, port: request.port)
    } catch { throw error.micError }
    opened += 1
    let identifier = "m\(opened)"
    let own = request.hasOwnSource ? "\(settings.name).\(identifier)" : nil
    let title = request.name.isEmpty ? identifier : request.name
    uplink.admit(talker, ownSource: own.map { ($0, "\(settings.description) \(title)") }, muted: request.isMuted)
    let entry = Entry(
      identifier: identifier, talker: talker, name: request.name, way: request.way, port: port, session: session,
      ownSource: own, isMuted: request.isMuted)
    entries.append(entry)
    uplink.call(talker, request.name.isEmpty ? [identifier] : [identifier, request.name])
    if keepsSilent(entry) { uplink.setMuted(true, of: talker) }
    talkersChanged()
    tell("microphone \(identifier) open: \(request.way.rawValue) on port \(port)", false)
    return entry
  }

  /// The path of the socket for sound from this computer, open from now on.
  @discardableResult
  func openLocal() throws(ControlError) -> String {
    guard let localPath else {
      throw ControlError(.unavailable, "there is no place for the microphone socket", hint: "give --socket PATH")
    }
    guard !isLocalOpen else { return localPath }
    do { try uplink.openLocal(path: localPath) } catch { throw error.micError }
    isLocalOpen = true
    tell("microphone socket \(localPath)", false)
    return localPath
  }

  private func freeSession() -> UInt32 {
    while true {
      let number = UInt32.random(in: 1...UInt32.max)
      if !entries.contains(where: { $0.session == number }) { return number }
    }
  }

  /// By identifier or name.
  func entry(_ name: String) throws(ControlError) -> Entry {
    if !name.isEmpty, let found = entries.first(where: { $0.identifier == name || $0.name == name }) { return found }
    let known = entries.map(\.identifier).joined(separator: ", ")
    throw ControlError(
      .notFound, "no microphone \"\(name)\"", path: "mic",
      hint: known.isEmpty ? "none is open" : "open microphones: \(known)")
  }

  func close(_ entry: Entry) {
    guard entries.contains(where: { $0.talker == entry.talker }) else { return }
    uplink.close(entry.talker, ownSource: entry.ownSource)
    if let own = entry.ownSource { sources[own] = nil }
    entries.removeAll { $0.talker == entry.talker }
    talkersChanged()
    tell("microphone \(entry.identifier) closed", false)
    ended(entry)
  }

  // MARK: Mute

  func setMuted(_ muted: Bool) {
    isMuted = muted
    uplink.setMuted(muted || keepsSilent(nil))
  }

  func setMuted(_ muted: Bool, of entry: Entry) throws(ControlError) -> Entry {
    guard let index = entries.firstIndex(where: { $0.talker == entry.talker }) else { return entry }
    entries[index].isMuted = muted
    uplink.setMuted(muted || keepsSilent(entry), of: entry.talker)
    return entries[index]
  }

  /// Push-to-talk has opened or shut something.
  func talkChanged() {
    uplink.setMuted(isMuted || keepsSilent(nil))
    for entry in entries { uplink.setMuted(entry.isMuted || keepsSilent(entry), of: entry.talker) }
  }

  // MARK: What happens

  /// Twice a second.
  func tick(at now: HostTime) { makeDefault?.step(at: now) }

  private func talkersChanged() { makeDefault?.usersChanged(isAny: !entries.isEmpty, at: renderNow()) }

  fileprivate func hear(_ news: Uplink.News) {
    switch news {
    case .pump(let event): hear(event)
    case .source(let name, let state): follow(name, state)
    case .arrived(let talker, let pid):
      opened += 1
      entries.append(
        Entry(
          identifier: "m\(opened)", talker: talker, name: "", way: .local, port: nil, session: nil, ownSource: nil,
          isMuted: false, pid: pid))
      uplink.call(talker, ["m\(opened)"])
      if let entry = entries.last, keepsSilent(entry) { uplink.setMuted(true, of: talker) }
      talkersChanged()
      tell("microphone m\(opened) open: local, process \(pid)", false)
    case .left(let talker):
      guard let entry = entries.first(where: { $0.talker == talker }) else { return }
      entries.removeAll { $0.talker == talker }
      uplink.forget(talker)
      talkersChanged()
      tell("microphone \(entry.identifier) closed", false)
      ended(entry)
    }
  }

  private func follow(_ name: String, _ state: StreamState) {
    let old = sources[name]
    sources[name] = state
    let isRunning = if case .running = state { true } else { false }
    if name == settings.name { makeDefault?.deviceChanged(isPresent: isRunning, at: renderNow()) }
    switch (old, state) {
    case (.running?, .waiting(let error)) where error.code != .starting:
      tell("source \"\(name)\": gone, \(error)", true)
    case (.waiting?, .running), (nil, .running): tell("source \"\(name)\": there", false)
    default: break
    }
  }

  private func hear(_ event: MicEvent) {
    switch event {
    case .opened: break
    case .reopened(let device, let time):
      tell("source \"\(device)\": open again after \(Int(time.milliseconds)) ms", false)
    case .died(let device, let cause, _): tell("source \"\(device)\": died, noticed by \(cause.rawValue)", true)
    case .unavailable(let device, let error, let attempts):
      tell("source \"\(device)\": cannot be opened, \(error) (attempt \(attempts))", true)
    case .garbage(let talker, let count):
      let name = entries.first { $0.talker == talker }?.identifier ?? "talker \(talker)"
      tell("microphone \(name): \(count) packets were no sound", true)
    }
  }

  /// The uplink speaks from its own threads, also before its owner is complete.
  private final class NewsDoor: Sendable {
    @ControlActor weak var owner: Microphones?
  }
}

extension SessionError {
  /// For what concerns a microphone.
  fileprivate var micError: ControlError {
    switch code {
    case "port": ControlError(.conflict, message, path: "port")
    case "bind": ControlError(.badArgs, message, path: "bind")
    case "mic_too_many_sessions": ControlError(.busy, message)
    case "mic_plaintext_from_anybody": ControlError(.badArgs, message, path: "allow_plaintext")
    case "mic_nothing_allowed": ControlError(.badArgs, message, path: "rikey")
    default: ControlError(.unavailable, message)
    }
  }
}
