/// The daemon's socket: accepts clients and looks after them until closed.
@ControlActor
public final class ControlSocket {
  public struct Identity: Sendable {
    public let name: String
    public let version: String
    /// Differs in every run, so that a client knows its revisions are void.
    public let instance: String

    public init(name: String, version: String) {
      self.name = name
      self.version = version
      instance = String(UInt64.random(in: (1 << 60)...UInt64.max), radix: 16)
    }
  }

  public struct Limits: Sendable {
    public var clients = 64
    /// Bytes that may wait for one client. Above half of it, its requests wait.
    public var outgoingBytes = 256 * 1024
    public var lineTimeout: Duration = .seconds(10)
    /// How long a farewell may take.
    public var closeGrace: Duration = .seconds(1)
    public var requestsPerTurn = 16
    public var parseErrorsInRow = 16
    public var deferredRequests = 16

    public init() {}

    var outgoing: OutgoingQueue.Limits { OutgoingQueue.Limits(bytes: outgoingBytes) }
  }

  public struct Statistics: Sendable, Equatable {
    public internal(set) var accepted = 0
    public internal(set) var refused = 0
    public internal(set) var requests = 0
    public internal(set) var parseErrors = 0
    public internal(set) var lostEvents = 0
  }

  public let identity: Identity
  public let catalog: VerbCatalog
  public let bus: EventBus
  public let limits: Limits
  public internal(set) var statistics = Statistics()
  let context: any ControlContext

  private var listener: ControlListener?
  private var watch: DescriptorWatch?
  private var clients: [Int: ClientSession] = [:]
  private var lastClient = 0
  private var isClosing = false
  private var closed: [@ControlActor () -> Void] = []
  /// Given up for a moment when descriptors run out, so that the waiting client can be turned away instead of keeping
  /// the listener ready for ever.
  private var spare: Descriptor?
  /// Shared by all clients: only one reads at a time.
  var scratch = [UInt8](repeating: 0, count: 65_536)

  public init(
    identity: Identity, bus: EventBus, context: any ControlContext, catalog: VerbCatalog = .linked,
    limits: Limits = Limits()
  ) {
    self.identity = identity
    self.bus = bus
    self.context = context
    self.catalog = catalog
    self.limits = limits
  }

  /// Everybody connected, in the order of arrival.
  public var sessions: [ClientSession] { clients.values.sorted { $0.id < $1.id } }

  public var clientCount: Int { clients.count }

  /// Starts answering. The socket file goes away with the server.
  public func serve(_ listener: consuming ControlListener) throws(SystemError) {
    precondition(watch == nil && !isClosing, "a control socket serves one listener, once")
    let number = listener.number
    self.listener = consume listener
    spare = Descriptor.spare()
    watch = try EventLoop.shared.watch(number, for: .read) { [weak self] _ in self?.acceptClients() }
  }

  /// Says goodbye to every client, waits a short while for it to go out, and then calls `done`.
  public func close(reason: String, then done: @escaping @ControlActor () -> Void = {}) {
    closed.append(done)
    isClosing = true
    watch?.cancel()
    watch = nil
    listener = nil
    spare = nil
    for client in clients.values { client.end(reason: reason) }
    if clients.isEmpty { EventLoop.shared.post { [self] in reportClosed() } }
  }

  public func close(reason: String) async {
    await withCheckedContinuation { continuation in close(reason: reason) { continuation.resume() } }
  }

  func remove(_ client: ClientSession) {
    clients[client.id] = nil
    if isClosing, clients.isEmpty { EventLoop.shared.post { [self] in reportClosed() } }
  }

  private func reportClosed() {
    let handlers = closed
    closed = []
    for handler in handlers { handler() }
  }

  func receive(from descriptor: borrowing Descriptor?, _ brought: inout [DescriptorParcel]) -> Transfer {
    switch descriptor {
    case .some(let descriptor):
      descriptor.receive(into: &scratch, &brought, limit: ClientSession.broughtLimit)
    case .none: .end
    }
  }

  // MARK: accepting

  /// A bounded number a turn: the listener stays ready if more wait.
  private func acceptClients() {
    for _ in 0..<16 {
      switch acceptOne() {
      case .client(let descriptor): admit(descriptor)
      case .none: return
      case .exhausted: return pauseAccepting()
      }
    }
  }

  private func acceptOne() -> AcceptResult {
    switch listener {
    case .some(let listener): listener.accept()
    case .none: .none
    }
  }

  private func admit(_ descriptor: consuming Descriptor) {
    let peer: PeerCredentials
    do throws(SystemError) {
      peer = try PeerCredentials(of: descriptor)
    } catch {
      return refuse(descriptor, ControlError(.internal, "peer unknown: \(error)"))
    }
    guard peer.mayControl else {
      return refuse(descriptor, ControlError(.denied, "user \(peer.uid) may not control this daemon"))
    }
    guard clients.count < limits.clients else {
      return refuse(descriptor, ControlError(.busy, "\(limits.clients) clients are connected", retry: 1000))
    }
    lastClient += 1
    do throws(SystemError) {
      let client = try ClientSession(id: lastClient, descriptor: descriptor, peer: peer, server: self)
      clients[client.id] = client
      statistics.accepted += 1
      client.send(hello)
    } catch {
      statistics.refused += 1
    }
  }

  private func refuse(_ descriptor: consuming Descriptor, _ error: ControlError) {
    statistics.refused += 1
    _ = descriptor.send(RefusedRequest(error).reply.bytes + [0x0A], from: 0)
  }

  private var hello: JSON {
    [
      "event": "hello", "name": .string(identity.name), "version": .string(identity.version),
      "protocol": ["major": JSON(ControlProtocol.major), "minor": JSON(ControlProtocol.minor)],
      "features": JSON(ControlProtocol.features), "pid": JSON(currentProcess()),
      "instance": .string(identity.instance),
    ]
  }

  /// Out of descriptors: turn one client away with the spare one, then rest instead of spinning.
  private func pauseAccepting() {
    statistics.refused += 1
    spare = nil
    if case .client(let descriptor) = acceptOne() { refuse(descriptor, ControlError(.busy, "out of file descriptors")) }
    spare = Descriptor.spare()
    do throws(SystemError) { try watch?.change(to: []) } catch { return }
    EventLoop.shared.schedule(after: .milliseconds(50)) { [weak self] in
      do throws(SystemError) { try self?.watch?.change(to: .read) } catch { return }
    }
  }
}
