import AudioCore
import Control
import PushToTalk

/// Push-to-talk at work: `PushToTalk` decides who is open, this carries it out.
@ControlActor
final class TalkRoom {
  private var machine: PushToTalk
  private unowned let daemon: Daemon
  private var timer: LoopTimer?
  /// Connections that hold something, whose end is to be noticed.
  private var watched: Set<Int> = []

  init(_ daemon: Daemon, debounce: HostDuration) {
    self.daemon = daemon
    machine = PushToTalk(debounce: debounce)
  }

  // MARK: What verbs ask for

  /// `press` and what follows from the others; returns the target as it is then.
  func press(_ request: TalkRequest, from client: ClientSession) throws(ControlError) -> JSON {
    try check(request.target)
    let holder = holder(request, client)
    let actions: [PushToTalk.Action]
    do throws(PushToTalk.Problem) {
      actions = try machine.press(request.target.text, by: holder, for: request.time, at: renderNow())
    } catch { throw error.controlError }
    if case .connection(let id) = holder, watched.insert(id).inserted {
      client.onClose { [weak self] in
        guard let self else { return }
        watched.remove(id)
        carryOut(machine.connectionEnded(id, at: renderNow()))
      }
    }
    carryOut(actions)
    return report(of: request.target.text)
  }

  func release(_ request: TalkRequest, from client: ClientSession) throws(ControlError) -> JSON {
    try check(request.target)
    carryOut(machine.release(request.target.text, by: holder(request, client), at: renderNow()))
    return report(of: request.target.text)
  }

  /// The other state; whoever has it open loses it to nobody else's hold.
  func toggle(_ request: TalkRequest, from client: ClientSession) throws(ControlError) -> JSON {
    carryOut(machine.expire(at: renderNow()))
    return machine.isOpen(request.target.text)
      ? try release(request, from: client) : try press(request, from: client)
  }

  func rule(_ target: TalkTarget) throws(ControlError) -> JSON {
    try check(target)
    do throws(PushToTalk.Problem) { carryOut(try machine.rule(target.text)) } catch { throw error.controlError }
    return report(of: target.text)
  }

  func leave(_ target: TalkTarget) -> JSON {
    carryOut(machine.leave(target.text))
    return report(of: target.text)
  }

  /// What the configuration names: it may come later.
  func begin(_ targets: [TalkTarget]) {
    for target in targets { carryOut((try? machine.rule(target.text)) ?? []) }
  }

  private func holder(_ request: TalkRequest, _ client: ClientSession) -> PushToTalk.Holder {
    request.isWhileConnected ? .connection(client.id) : .named(request.holder)
  }

  /// What is not there and was not ruled before is a slip.
  private func check(_ target: TalkTarget) throws(ControlError) {
    guard !machine.rules(target.text) else { return }
    switch target {
    case .everybody: _ = try daemon.requireMicrophones()
    case .mic(let name): _ = try daemon.requireMicrophones().entry(name)
    case .node(let name): try daemon.graph.checkMutable(name)
    case .channel(let name): _ = try daemon.channels.channel(daemon.channels.number(name))
    }
  }

  // MARK: Carrying out

  /// Whether push-to-talk keeps a client's microphone silent now; `nil` asks for all of them.
  func keepsSilent(_ entry: Microphones.Entry?) -> Bool {
    guard let entry else { return machine.isShut("mic") }
    return machine.isShut("mic:\(entry.identifier)") || (!entry.name.isEmpty && machine.isShut("mic:\(entry.name)"))
  }

  private func carryOut(_ actions: [PushToTalk.Action]) {
    for action in actions {
      switch action {
      case .open(let name): set(name, silent: false)
      case .shut(let name): set(name, silent: true)
      case .leave(let name): set(name, silent: false)
      }
    }
    wakeInTime()
    if !actions.isEmpty { daemon.bus.publish("ptt", report()) }
  }

  private func set(_ name: String, silent: Bool) {
    guard let target = try? TalkTarget(name) else { return }
    do throws(ControlError) {
      switch target {
      case .everybody, .mic: daemon.microphones?.talkChanged()
      case .node(let node): try daemon.graph.setMuted(silent, node: node)
      case .channel(let name): try daemon.channels.set(daemon.channels.number(name), gateOpen: !silent)
      }
    } catch {
      daemon.log.debug("ptt \(name): \(error.message)")
    }
  }

  /// Nodes may have come since.
  func graphChanged() {
    for name in machine.ruled where name.hasPrefix("node:") { set(name, silent: machine.isShut(name)) }
  }

  private func wakeInTime() {
    if let timer { EventLoop.shared.cancel(timer) }
    timer = nil
    guard let deadline = machine.nextDeadline else { return }
    let left = max((deadline - renderNow()).nanoseconds, 0)
    timer = EventLoop.shared.schedule(after: .nanoseconds(left)) { [weak self] in
      guard let self else { return }
      timer = nil
      carryOut(machine.expire(at: renderNow()))
    }
  }

  // MARK: Saying

  func report() -> JSON { ["targets": .array(machine.ruled.map { report(of: $0) })] }

  private func report(of name: String) -> JSON {
    var members: JSONObject = [
      "target": .string(name), "ruled": .bool(machine.rules(name)),
      "open": .bool(machine.isOpen(name) || !machine.rules(name)), "holders": JSON(machine.holders(of: name)),
    ]
    if let end = machine.heldUntil(name) {
      members["ends_in_ms"] = JSON(Int(max((end - renderNow()).milliseconds, 0)))
    }
    return .object(members)
  }
}

extension PushToTalk.Problem {
  fileprivate var controlError: ControlError {
    switch self {
    case .tooManyTargets(let limit): ControlError(.busy, "\(limit) targets are ruled already")
    case .tooManyHolders(let limit): ControlError(.busy, "\(limit) hold it already")
    }
  }
}
