import AudioCore
import AudioIO
import Control
import Leases
import Policy
import Settings
import Wiring
import Wording

/// Streams and where they go.
extension RoutingRoom {
  func watchStreams() {
    book.observe { [weak self] change in
      EventLoop.shared.post { self?.changed(change) }
    }
  }

  func stopWatchingStreams() {
    book.observe(nil)
    streams.clear()
  }

  /// Puts streams back to where they were.
  func routeNothing() {
    carryOut(reconciler.undo(observed))
    streams.forgetDecisions()
    reportExclusions()
  }

  private func changed(_ change: AppStreamChange) {
    let ended = streams.take(change)
    for row in ended {
      bus.publish("routing", ["kind": "stream_removed", "node_id": JSON(Int(row.stream.id.node))])
    }
    if change.sinks != nil { sinksChanged() }
    routeAll()
    filters.update(streams.all)
    if let effective { levels.follow(effective, streams.all, ended: ended) }
  }

  /// Decides, and does what must be done so that every stream is where it is wanted.
  func routeAll() {
    guard let effective else { return }
    let routing = effective.routing()
    for row in streams.decide(routing) { routed(row) }
    let destinations = destinations
    var wanted: [UInt32: Destination] = [:]
    for row in streams.all {
      guard let route = row.decision?.route else { continue }
      wanted[row.stream.id.node] = destinations[route]
    }
    let now = renderNow()
    carryOut(reconciler.step(observed, wanted: wanted, at: now), wanted: wanted)
    reportExclusions()
    if let timer = stepTimer { EventLoop.shared.cancel(timer) }
    stepTimer = reconciler.nextStep(after: now).map { next in
      EventLoop.shared.schedule(after: .nanoseconds((next - now).nanoseconds)) { [weak self] in
        self?.stepTimer = nil
        self?.routeAll()
      }
    }
  }

  /// While a session has the desktop's sound play into a sink of its own, all play there, but what no client is to hear.
  private var destinations: Destinations {
    if isSuspended { return Destinations(exclude: realSink?.name) }
    let unprocessed = unprocessed
    return Destinations(
      processed: running(BusDescription.processed), bypass: unprocessed, exclude: unprocessed,
      buses: Dictionary(uniqueKeysWithValues: buses.keys.compactMap { name in running(name).map { (name, $0) } }))
  }

  func suspend(_ isSuspended: Bool) {
    guard isSuspended != self.isSuspended else { return }
    self.isSuspended = isSuspended
    guard effective != nil else { return }
    attendDefault()
    tell(isSuspended ? "routing rests: a session has the default sink" : "routing goes on", false)
    routeAll()
  }

  /// The sink of a bus that is there to be played into.
  func running(_ bus: String) -> String? {
    guard let bus = buses[bus], case .running = bus.facts.sink else { return nil }
    return bus.sinkName
  }

  private func routed(_ row: StreamTable.Row) {
    guard let decision = row.decision else { return }
    bus.publish(
      "routing",
      [
        "kind": "stream_routed", "node_id": JSON(Int(row.stream.id.node)), "app": .string(row.labels.title),
        "to": .string("\(decision.route)"), "reason": .string("\(decision.reason)"),
      ])
    tell("\(row.labels.title) (#\(row.stream.id.node)): \(decision.route), by \(decision.reason)", false)
  }

  private var observed: [ObservedStream] {
    let sinks = book.sinks
    return streams.all.map { row in
      ObservedStream(
        id: row.stream.id.node, labels: row.labels, target: name(of: row.stream.target.object, sinks),
        links: Set(row.stream.sinks), isMovable: row.stream.isRoutable)
    }
  }

  /// A target is a node's name, or its serial number.
  private func name(of target: String?, _ sinks: [SinkFacts]) -> String? {
    guard let target, let serial = UInt64(target) else { return target }
    return sinks.first { $0.serial == serial }?.name ?? target
  }

  private func carryOut(_ actions: [Reconciler.Action], wanted: [UInt32: Destination] = [:]) {
    var wishes: [AppStreamLease.Wish] = []
    var released: [AppStream.ID] = []
    for action in actions {
      switch action {
      case .setTarget(let stream, let node):
        guard let id = streams[stream]?.stream.id else { continue }
        // What stood there before comes back with the lease.
        if case .node(node) = wanted[stream] ?? .anywhere {
          wishes.append(AppStreamLease.Wish(id, sink: node))
        } else {
          released.append(id)
        }
      case .clearTarget(let stream):
        if let id = streams[stream]?.stream.id { released.append(id) }
      case .report(let hold, let stream): report(hold, stream)
      }
    }
    if !released.isEmpty { letGo(released) }
    if !wishes.isEmpty { send(wishes) }
  }

  private func send(_ wishes: [AppStreamLease.Wish]) {
    guard let lease else {
      for wish in wishes { try? book.route(wish.stream, to: wish.sink) }
      return
    }
    attempt { () throws(LeaseError) in
      for refusal in try lease.make(wishes) where refusal.error.code != .streamGone {
        tell("stream #\(refusal.stream.node): \(refusal.error)", true)
      }
      return []
    }
  }

  private func letGo(_ released: [AppStream.ID]) {
    guard let lease else {
      for stream in released { try? book.route(stream, to: nil) }
      return
    }
    attempt { () throws(LeaseError) in
      _ = try lease.release(routesOf: released)
      return []
    }
  }

  private func report(_ hold: Reconciler.Hold, _ stream: UInt32) {
    guard let row = streams[stream] else { return }
    tell("\(row.labels.title) (#\(stream)) is left alone: \(hold)", true)
    bus.publish(
      "routing",
      [
        "kind": "stream_held", "node_id": JSON(Int(stream)), "app": .string(row.labels.title),
        "why": .string("\(hold)"),
      ])
  }

  /// Streams that no client is to hear.
  private func reportExclusions() {
    let excluded = Set(streams.all.filter { $0.decision?.route == .exclude }.map(\.stream.id))
    guard excluded != self.excluded else { return }
    let wasAny = !self.excluded.isEmpty
    self.excluded = excluded
    filters.update(streams.all)
    // Who hears everybody hears another capture then.
    if wasAny != !excluded.isEmpty { exclusionsChanged?() }
  }

  // MARK: Verbs

  func setRoute(of app: String, to text: String) throws(ControlError) {
    let route = try self.route(text)
    try edit { (overlay) throws(SettingsError) in try overlay.setRoute(app: app, route) }
    for row in streams.all where row.decision?.reason == .override(app) { release(row.stream.id.node) }
    routeAll()
  }

  func unsetRoute(of app: String) throws(ControlError) {
    let was = try edit { (overlay) throws(SettingsError) in overlay.unsetRoute(app: app) }
    guard was else {
      let known = overlay.routes.map(\.app.text).joined(separator: ", ")
      throw ControlError(
        .notFound, "nothing was set for \"\(app)\"", path: "app", hint: known.isEmpty ? nil : "set are: \(known)")
    }
  }

  func routeStream(_ node: Int, to text: String) throws(ControlError) {
    guard effective != nil else { throw ControlError(.unavailable, "no profile is in use") }
    guard let node = UInt32(exactly: node), streams[node] != nil else {
      throw ControlError(.notFound, "there is no stream \(node)", path: "node_id", hint: "streamctl route list")
    }
    streams.set(try route(text), for: node)
    release(node)
    routeAll()
  }

  private func release(_ node: UInt32) { reconciler.release(node) }

  private func route(_ text: String) throws(ControlError) -> Route {
    guard let route = Route(text) else { throw ControlError(.badArgs, "to: \(Route.grammar)", path: "to") }
    if let bus = route.bus, let effective, !effective.profile.busNames.contains(bus) {
      let names = effective.profile.busNames.joined(separator: ", ")
      throw ControlError(
        .notFound, "profile \"\(effective.profile.name)\" has no bus \"\(bus)\"", path: "to",
        hint: names.isEmpty ? "it has none but the processed one" : "it has \(names)")
    }
    return route
  }

  func bypass(_ isOn: Bool) throws(ControlError) {
    try edit { (overlay) throws(SettingsError) in overlay.isBypassed = isOn }
    tell("bypass \(isOn ? "on" : "off")", false)
  }
}
