/// Makes the events of a topic whose readers each have a window of their own: what happened since that reader's last event.
@ControlActor
public protocol WindowPublisher: AnyObject {
  func add(_ reader: WindowReader)
  func remove(_ reader: WindowReader)
}

/// One reader of such a topic. It is handed its windows when they are due and it has taken the one before.
@ControlActor
public final class WindowReader {
  /// Events a second it wants.
  public let rate: Double
  private let topic: String
  private let form: RequestForm
  private weak var client: ClientSession?
  private var revision = 0

  nonisolated static let rates = 1.0...60
  static let usualRate = 20.0

  init(client: ClientSession, topic: String, form: RequestForm, rate: Double) {
    self.client = client
    self.topic = topic
    self.form = form
    self.rate = rate
  }

  /// False while what it was sent last still waits: then its window had better go on.
  public var isReady: Bool { client?.hasRoom(for: topic) ?? false }

  public func send(_ data: JSON) {
    revision += 1
    client?.deliver(EventText(topic: topic, key: nil, kind: .window, revision: revision, data: data), form: form)
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
