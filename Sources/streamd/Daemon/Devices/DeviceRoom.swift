import AudioIO
import Control

/// The registry of devices under control of the socket: lists, searches, who waits for one, and what is told of them.
@ControlActor
final class DeviceRoom {
  /// Also for other threads.
  nonisolated let live: LiveDevices
  /// Called after the book has changed.
  var changed: [@ControlActor ([DeviceEvent]) -> Void] = []
  private let bus: EventBus
  private let file: OverlayFile?
  private var kept: DeviceNumbers
  private var waiters: [Int: Waiter] = [:]
  private var lastWaiter = 0

  private struct Waiter {
    let holds: @ControlActor () -> Bool
    let timer: LoopTimer
    let done: CheckedContinuation<Bool, Never>
  }

  /// So many may wait at a time.
  static let mostWaiters = 64
  /// A sound system that has not told by then what it sees is listed without.
  private static let patience = Duration.seconds(2)

  /// `live` makes the book of devices whose numbers are known from a file.
  init(_ live: (DeviceNumbers) -> LiveDevices, file: OverlayFile?, bus: EventBus) {
    self.file = file
    kept = file?.read().map { DeviceNumbers(text: $0) } ?? DeviceNumbers()
    let live = live(kept)
    self.live = live
    self.bus = bus
    bus.declare("devices", .log, summary: "a device that was added, removed or changed, or is the default now") {
      [unowned self] in list(nil, system: nil)
    }
    _ = live.observe { [weak self] events in
      EventLoop.shared.post { self?.take(events) }
    }
  }

  var registry: DeviceRegistry { live.registry }

  func shutdown() {
    live.stop()
    for number in waiters.keys { end(number, false) }
  }

  // MARK: What is asked

  func list(_ direction: DeviceDirection?, system: String?) -> JSON {
    let registry = registry
    let shown = registry.devices.filter {
      (direction == nil || $0.direction == direction) && (system == nil || $0.system == system)
    }
    var reply: JSONObject = ["devices": .array(shown.map(DeviceReport.json))]
    let systems = system.map { [$0] } ?? registry.systems.sorted()
    reply["backends"] = .object(
      JSONObject(
        systems.map { name in
          let trouble = registry.trouble(of: name)
          var state: JSONObject = [
            "state": trouble == nil && registry.systems.contains(name) ? "listed" : "unavailable"
          ]
          if let trouble { state["message"] = .string(trouble.description) }
          return (name, .object(state))
        }))
    return .object(reply)
  }

  func find(_ words: String, _ scope: DeviceScope) throws(ControlError) -> Device {
    do throws(DeviceError) { return try registry.find(words, scope) } catch { throw error.controlError }
  }

  /// Has the systems watched that words or a choice speak of, and waits until they have been listed.
  func attach(for words: String, system: String?) async throws(ControlError) {
    var wanted = system.map { [$0] } ?? []
    for name in live.systems where words == name || words.hasPrefix(name + ":") { wanted.append(name) }
    for name in wanted { live.attach(name) }
    let missing = { [live] in wanted.contains { !live.registry.systems.contains($0) } || live.registry.systems.isEmpty }
    if missing() { _ = try await wait(Self.patience) { !missing() } }
  }

  /// Until the device is there; what else its words could mean is an error at once.
  func wait(
    for words: String, _ scope: DeviceScope, _ limit: Duration
  ) async throws(ControlError) -> Device {
    var claim = DeviceClaim(words, scope)
    var last = claim.look(in: registry)
    func isSettled() -> Bool {
      if case .failure(let error) = last { error.code == .ambiguous } else { true }
    }
    if !isSettled() {
      _ = try await wait(limit) { [self] in
        last = claim.look(in: registry)
        return isSettled()
      }
    }
    switch last {
    case .success(let device): return device
    case .failure(let error) where error.code == .ambiguous: throw error.controlError
    case .failure(let error):
      throw ControlError(
        .timeout, "\(error.message), and did not come within \(limit)", path: "device", hint: error.hint,
        detail: error.code.rawValue)
    }
  }

  // MARK: Waiting

  /// False when the time is over or the client has gone. `holds` is asked again with every change.
  private func wait(_ limit: Duration, _ holds: @escaping @ControlActor () -> Bool) async throws(ControlError) -> Bool {
    guard waiters.count < Self.mostWaiters else {
      throw ControlError(.busy, "\(waiters.count) clients wait for devices already", retry: 1000)
    }
    lastWaiter += 1
    let number = lastWaiter
    return await withTaskCancellationHandler {
      await withCheckedContinuation { done in
        guard !Task.isCancelled else { return done.resume(returning: false) }
        let timer = EventLoop.shared.schedule(after: limit) { [weak self] in self?.end(number, false) }
        waiters[number] = Waiter(holds: holds, timer: timer, done: done)
      }
    } onCancel: {
      EventLoop.shared.post { [weak self] in self?.end(number, false) }
    }
  }

  private func end(_ number: Int, _ isThere: Bool) {
    guard let waiter = waiters.removeValue(forKey: number) else { return }
    EventLoop.shared.cancel(waiter.timer)
    waiter.done.resume(returning: isThere)
  }

  // MARK: What happens

  /// Numbers are good for configurations only if they hold. Without a file they hold until the daemon ends.
  private func keepNumbers() {
    let numbers = registry.numbers
    guard numbers != kept else { return }
    kept = numbers
    try? file?.write(numbers.text)
  }

  private func take(_ events: [DeviceEvent]) {
    if bus.hasSubscribers("devices") {
      for event in events { bus.publish("devices", DeviceReport.json(event)) }
    }
    keepNumbers()
    for call in changed { call(events) }
    for (number, waiter) in waiters where waiter.holds() { end(number, true) }
  }
}

extension DeviceError {
  var controlError: ControlError {
    let code: ControlError.Code =
      switch self.code {
      case .ambiguous: .conflict
      case .unknown, .away, .noDefault: .notFound
      case .unseen: .unavailable
      }
    return ControlError(code, message, path: "device", hint: hint, detail: self.code.rawValue)
  }
}
