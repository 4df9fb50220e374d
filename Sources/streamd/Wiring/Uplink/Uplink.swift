public import AudioCore
public import AudioIO
import Synchronization
public import VirtualMic
import Wire

/// Clients' microphones on their way to this computer's applications: sockets, pump and sources, joined.
///
/// The summed source is there from the start, whether anybody talks or not. Thread: control, unless a member says
/// otherwise.
public final class Uplink: Sendable {
  public struct Names: Sendable {
    public var node: String
    public var description: String
    public var channels: Int

    public init(node: String, description: String, channels: Int) {
      self.node = node
      self.description = description
      self.channels = channels
    }
  }

  public enum News: Sendable {
    case pump(MicEvent)
    /// A source's stream, by node name.
    case source(String, StreamState)
    /// A program has connected to the local socket, and left it.
    case arrived(TalkerID, pid: Int32)
    case left(TalkerID)
  }

  public struct DeviceFacts: Sendable {
    public var stream: StreamReport
    public var feed: FeedReport
  }

  /// Everything known of a talker.
  public struct TalkerFacts: Sendable {
    public var playout: PlayoutReport
    public var pump: MicReport.Talker
    public var door: MicSessionFacts?
    public var local: LocalMicFacts?
  }

  /// A port over UDP, and what came there that no client can be blamed for.
  public struct PortFacts: Sendable {
    public var port: UInt16
    public var door: MicDoorFacts
    /// Datagrams the kernel had no room for.
    public var dropped: UInt32
  }

  private let backend: any AudioBackend
  private let names: Names
  private let pump: MicPump
  private let thread: MicThread
  private let receiver: MicReceiver
  private let book = VoiceBook()
  private let devices = Sources()
  private let listeners = Listeners()
  private let talkers = Atomic<UInt32>(0)
  private let news: @Sendable (News) -> Void

  public static let localLimit = 8

  /// `news` comes from several threads; it must not take long.
  public init(backend: any AudioBackend, names: Names, news: @escaping @Sendable (News) -> Void) throws(SessionError) {
    self.backend = backend
    self.names = names
    self.news = news
    let (queue, sender) = FrameQueue.open()
    pump = MicPump(queue) { [book] in book.makeVoice(for: $0) }
    receiver = try MicReceiver(sender: sender)
    do throws(SessionError) {
      thread = try MicThread(pump: pump) { events in for event in events { news(.pump(event)) } }
    } catch {
      receiver.stop()
      throw error
    }
    add(names.node, names.description, for: .everyone)
  }

  public func stop() {
    receiver.stop()
    thread.stop()
    devices.removeAll()
  }

  // MARK: Ways in

  /// A new talker's number.
  public func makeTalker() -> TalkerID { TalkerID(talkers.add(1, ordering: .relaxed).newValue) }

  /// Opens a client's way in over UDP, on a port that others may share who listen on the same address. Returns the port.
  public func open(_ terms: MicTerms, channels: Int, bind: String?, port: UInt16) throws(SessionError) -> UInt16 {
    let opened: UInt16 = try receiver.with { doors throws(SessionError) in
      if port != 0, let shared = doors.sockets.first(where: { $0.localPort == port && $0.bind == bind }) {
        do throws(MicDoorError) { try shared.door.open(terms) } catch { throw SessionError(error) }
        return port
      }
      let socket: MicSocket
      do throws(MicSocketError) { socket = try MicSocket(bind: bind, port: port) } catch {
        throw SessionError(code: error.code, message: error.message)
      }
      do throws(MicDoorError) { try socket.door.open(terms) } catch { throw SessionError(error) }
      doors.sockets.append(socket)
      return socket.localPort
    }
    book.expect(terms.talker, channels: channels)
    return opened
  }

  /// Opens the socket for programs of this computer; each connection becomes a talker.
  public func openLocal(path: String) throws(SessionError) {
    let talkers = LocalTalkers(pump: pump, book: book, news: news) { [weak self] in self?.makeTalker() }
    try receiver.with { doors throws(SessionError) in
      guard doors.local == nil else { return }
      do throws(MicSocketError) {
        doors.local = try LocalMicSocket(
          path: path, peerLimit: Self.localLimit, admit: { talkers.admit($0.pid) }, left: { talkers.left($0) })
      } catch {
        throw SessionError(code: error.code, message: error.message)
      }
    }
  }

  /// Lets a talker be heard, also through a source of its own.
  public func admit(_ talker: TalkerID, ownSource: (node: String, description: String)?, muted: Bool) {
    var own: MicDeviceID?
    if let ownSource {
      own = MicDeviceID(ownSource.node)
      add(ownSource.node, ownSource.description, for: .assigned)
    }
    pump.admit(talker, own: own, muted: muted)
  }

  public func close(_ talker: TalkerID, ownSource: String?) {
    receiver.with { doors in
      for socket in doors.sockets { socket.door.close(talker) }
      doors.sockets.removeAll { $0.door.isEmpty }
      doors.local?.disconnect(talker)
    }
    pump.dismiss(talker)
    if let ownSource {
      pump.remove(MicDeviceID(ownSource))
      devices.remove(ownSource)
    }
    book.forget(talker)
    listeners.forget(talker)
  }

  // MARK: Listeners

  /// What a talker is called, so that listeners can choose.
  public func call(_ talker: TalkerID, _ names: Set<String>) { listeners.call(talker, names) }

  /// A local talker has gone.
  public func forget(_ talker: TalkerID) { listeners.forget(talker) }

  /// Lets a feed hear what talkers say: all of them, one, or all but one, by a name of `call`. Thread: any.
  public func listen(_ feed: SourceFeed, only: String = "", except: String = "") -> String {
    let name = listeners.add(feed)
    pump.add(MicDeviceID(name), for: .everyone) { [weak feed, listeners] () throws(BackendError) in
      guard let feed else { throw BackendError(.deviceLost, "the graph no longer listens") }
      return ListeningMicrophone(feed, listeners, VoiceChoice(only: only, except: except))
    }
    return name
  }

  /// Ends `listen`. Thread: any.
  public func leave(_ name: String) {
    pump.remove(MicDeviceID(name))
    listeners.remove(name)
  }

  // MARK: Mute

  public func setMuted(_ muted: Bool, of talker: TalkerID) { pump.setMuted(muted, of: talker) }

  /// Nobody is heard: silent within a cycle, and nothing is decoded.
  public func setMuted(_ muted: Bool) {
    pump.setMuted(muted)
    devices.setMuted(muted)
    listeners.setMuted(muted)
  }

  /// The server is known to be back.
  public func serverReturned() { pump.serverReturned() }

  // MARK: Facts

  public var scheduling: String { thread.scheduling }
  public var report: MicReport { pump.report }

  /// How loud a source of ours is, and a talker. Each has one reader at a time.
  public func gauge(ofDevice node: String) -> LevelGauge? { devices[node]?.gauge }
  public func gauge(of talker: TalkerID) -> LevelGauge? { book.gauge(of: talker) }

  /// A talker's decoded voice, and in how many channels; nil once it has gone.
  public func voice(of talker: TalkerID) -> (tap: HopTap, channels: Int)? {
    guard let tap = book.tap(of: talker), let channels = book.channels(of: talker) else { return nil }
    return (tap, channels)
  }

  public func device(_ node: String) -> DeviceFacts? { devices[node]?.facts }

  public var ports: [PortFacts] {
    receiver.read { doors in
      doors.sockets.map { PortFacts(port: $0.localPort, door: $0.door.facts, dropped: $0.dropped) }
    }
  }

  public func facts(of talker: TalkerID) -> TalkerFacts {
    var playout = book[talker] ?? PlayoutReport()
    if let lane = devices[names.node]?.lane(of: talker) { playout.add(lane) }
    let (door, local) = receiver.read { doors in
      (doors.sockets.lazy.compactMap { $0.door.sessionFacts(of: talker) }.first, doors.local?.sessionFacts(of: talker))
    }
    return TalkerFacts(
      playout: playout, pump: pump.report.talkers[talker] ?? MicReport.Talker(), door: door, local: local)
  }

  private func add(_ node: String, _ description: String, for audience: MicAudience) {
    pump.add(MicDeviceID(node), for: audience) {
      [backend, devices, news, channels = names.channels] () throws(BackendError) in
      let device = try SourceMicrophone(
        backend: backend, name: node, description: description, channels: channels
      ) { news(.source(node, $0)) }
      devices.add(device, as: node)
      return device
    }
  }
}

/// The sources there are, by node name. The pump owns them; this only looks.
private final class Sources: Sendable {
  private struct Entry {
    weak var device: SourceMicrophone?
  }

  private let state = Mutex<(entries: [String: Entry], isMuted: Bool)>(([:], false))

  subscript(node: String) -> SourceMicrophone? { state.withLock { $0.entries[node]?.device } }

  func add(_ device: SourceMicrophone, as node: String) {
    let muted = state.withLock { state in
      state.entries[node] = Entry(device: device)
      return state.isMuted
    }
    device.setMuted(muted)
  }

  func remove(_ node: String) { state.withLock { $0.entries[node] = nil } }
  func removeAll() { state.withLock { $0.entries = [:] } }

  func setMuted(_ muted: Bool) {
    let all = state.withLock { state in
      state.isMuted = muted
      return state.entries.values.compactMap(\.device)
    }
    for device in all { device.setMuted(muted) }
  }
}

/// Makes talkers of programs that connect. Thread: the receiver's.
private final class LocalTalkers {
  private let pump: MicPump
  private let book: VoiceBook
  private let news: @Sendable (Uplink.News) -> Void
  private let make: () -> TalkerID?

  init(
    pump: MicPump, book: VoiceBook, news: @escaping @Sendable (Uplink.News) -> Void, make: @escaping () -> TalkerID?
  ) {
    self.pump = pump
    self.book = book
    self.news = news
    self.make = make
  }

  func admit(_ pid: Int32) -> TalkerID? {
    guard let talker = make() else { return nil }
    book.expect(talker, channels: 2)
    pump.admit(talker)
    news(.arrived(talker, pid: pid))
    return talker
  }

  func left(_ talker: TalkerID) {
    pump.dismiss(talker)
    book.forget(talker)
    news(.left(talker))
  }
}

extension SessionError {
  fileprivate init(_ error: MicDoorError) {
    let message =
      switch error {
      case .tooManySessions: "too many microphones on that port"
      case .talkerTaken: "that talker is open already"
      case .sessionTaken: "that session number is taken"
      case .plaintextFromAnybody: "plaintext from anybody would be anybody's microphone: give client_ip or ping_payload"
      case .nothingAllowed: "neither a key nor plaintext is allowed: nothing could ever be heard"
      case .library: "libcrypto refused"
      }
    self.init(code: error.code, message: message)
  }
}
