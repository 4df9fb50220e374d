/// A second way to the control socket, for clients that speak another protocol in frames. Each client has a connection of its
/// own to the control socket, so it has the same rights and the same limits as any other.
@ControlActor
public final class FramedDoor {
  public struct Limits: Sendable {
    public var clients = 16
    public var frameBytes = ControlProtocol.maximumLineBytes
    /// A longer frame than this is taken for something else.
    public var skippableBytes = 16 << 20
    /// Above it the other side is not read from. One frame more may wait.
    public var waitingBytes = 256 * 1024
    public var frameTimeout: Duration = .seconds(10)
    /// How long last words may take.
    public var closeGrace: Duration = .seconds(1)

    public init() {}
  }

  let limits: Limits
  private let path: String
  private let dialect: @ControlActor () -> any DoorDialect
  private var listener: ControlListener?
  private var watch: DescriptorWatch?
  private var clients: [Int: DoorClient] = [:]
  private var lastClient = 0
  private var isClosing = false
  private var closed: (@ControlActor () -> Void)?
  private var spare: Descriptor?
  /// Shared by all clients: only one reads at a time.
  var scratch = [UInt8](repeating: 0, count: 65_536)

  /// `path` is the control socket's.
  public init(to path: String, limits: Limits = Limits(), dialect: @escaping @ControlActor () -> any DoorDialect) {
    self.path = path
    self.limits = limits
    self.dialect = dialect
  }

  public var clientCount: Int { clients.count }

  /// Starts answering. The socket file goes away with the door.
  public func serve(_ listener: consuming ControlListener) throws(SystemError) {
    precondition(watch == nil && !isClosing, "a door serves one listener, once")
    let number = listener.number
    self.listener = consume listener
    spare = Descriptor.spare()
    watch = try EventLoop.shared.watch(number, for: .read) { [weak self] _ in self?.acceptClients() }
  }

  /// Lets nobody in any more, and calls `done` when everybody has gone: at the latest a moment after the control socket is
  /// closed, which says goodbye.
  public func close(then done: @escaping @ControlActor () -> Void = {}) {
    isClosing = true
    closed = done
    watch?.cancel()
    watch = nil
    listener = nil
    spare = nil
    if clients.isEmpty {
      reportClosed()
    } else {
      EventLoop.shared.schedule(after: limits.closeGrace) { [weak self] in
        for client in self?.clients.values.map({ $0 }) ?? [] { client.finish() }
      }
    }
  }

  func remove(_ client: DoorClient) {
    clients[client.id] = nil
    if isClosing, clients.isEmpty { reportClosed() }
  }

  private func reportClosed() {
    let done = closed
    closed = nil
    EventLoop.shared.post { done?() }
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
    let socket: Descriptor
    do throws(ControlError) {
      try check(descriptor)
      socket = try connected()
    } catch {
      return refuse(descriptor, error)
    }
    lastClient += 1
    do throws(SystemError) {
      clients[lastClient] = try DoorClient(id: lastClient, descriptor, to: socket, dialect: dialect(), door: self)
    } catch {
      // Closed with the attempt: whom the loop cannot look after has nothing to wait for.
    }
  }

  private func check(_ descriptor: borrowing Descriptor) throws(ControlError) {
    let peer: PeerCredentials
    do throws(SystemError) { peer = try PeerCredentials(of: descriptor) } catch {
      throw ControlError(.internal, "peer unknown: \(error)")
    }
    guard peer.mayControl else {
      throw ControlError(.denied, "user \(peer.uid) may not control this daemon")
    }
    guard clients.count < limits.clients else {
      throw ControlError(.busy, "\(limits.clients) clients are connected")
    }
  }

  private func connected() throws(ControlError) -> Descriptor {
    do throws(SystemError) {
      let socket = try UnixSocket.open()
      try UnixSocket.connect(socket, to: path)
      return socket
    } catch {
      throw ControlError(.busy, "the control socket lets nobody in: \(error)")
    }
  }

  private func refuse(_ descriptor: consuming Descriptor, _ error: ControlError) {
    _ = descriptor.send(FrameBuffer.frame(dialect().refusal(error)), from: 0)
  }

  /// Out of descriptors: turn one client away with the spare one, then rest instead of spinning.
  private func pauseAccepting() {
    spare = nil
    if case .client(let descriptor) = acceptOne() { refuse(descriptor, ControlError(.busy, "out of file descriptors")) }
    spare = Descriptor.spare()
    do throws(SystemError) { try watch?.change(to: []) } catch { return }
    EventLoop.shared.schedule(after: .milliseconds(50)) { [weak self] in
      do throws(SystemError) { try self?.watch?.change(to: .read) } catch { return }
    }
  }
}
