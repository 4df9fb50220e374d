import AudioCore
import AudioIO
import Control
import GraphFiles
import Mixer
import Policy
import SoundFiles
import Wiring

/// The buses of the profile in use: each a sink of our own.
extension RoutingRoom {
  /// So long those that play into a bus have to leave it.
  private static let farewell = Duration.milliseconds(500)

  /// What the node of a bus's sink is called.
  static func sinkName(_ bus: String) -> String {
    bus == BusDescription.processed ? "streamd.processed" : "streamd.bus.\(bus)"
  }

  static func isSinkName(_ name: String) -> Bool {
    name == sinkName(BusDescription.processed) || name.hasPrefix(sinkName(""))
  }

  /// The sink that everything is played by in the end.
  var realSink: SinkFacts? {
    let real = book.sinks.filter { !$0.isOurs }
    if let sink = real.first(where: \.isDefault) { return sink }
    // With ours as the default, the one that was it before; after a start, the one that a lease says was.
    for name in [lastDefaultSink, sinkDefault?.replaced, lastRealSink] {
      if let sink = real.first(where: { $0.name == name }) { return sink }
    }
    return real.first
  }

  /// Brings buses in line with the profile and the real sink.
  func attendBuses(_ profile: Profile) {
    troubles = []
    let wanted = profile.buses
    for (name, bus) in buses where !wanted.contains(where: { $0.name == name }) {
      buses[name] = nil
      dismiss(bus)
    }
    for description in wanted { attend(description) }
    serviceSoon()
  }

  private func attend(_ description: BusDescription) {
    let name = description.name
    let layout = layout(of: description)
    var made: RouteBus?
    do {
      let graph = try BusGraph.make(description, layout: layout)
      if let bus = buses[name], bus.layout == layout { return try bus.commit(graph) }
      // The name can have one owner only.
      buses.removeValue(forKey: name)?.stop()
      let bus = try RouteBus(
        name, sinkName: Self.sinkName(name), description: title(description), layout: layout, ends: ends,
        files: SoundFileLibrary(), on: backend, playingTo: realSink?.name
      ) { [weak self] in
        EventLoop.shared.post { self?.routeAll() }
      }
      made = bus
      try bus.commit(graph)
      buses[name] = bus
    } catch {
      made?.stop()
      let trouble = "bus \(name): \(error)"
      troubles.append(trouble)
      tell(trouble, true)
    }
  }

  private func title(_ bus: BusDescription) -> String {
    if bus.name == BusDescription.processed { return "Processed (streamd)" }
    return "\(bus.description.isEmpty ? bus.name : bus.description) (streamd)"
  }

  private func layout(of bus: BusDescription) -> ChannelLayout {
    if let text = bus.channels {
      if let layout = ChannelLayout(title: text) ?? Int(text).flatMap({ ChannelLayout(channels: $0) }) { return layout }
      troubles.append("bus \(bus.name): channels \"\(text)\" is no layout")
    }
    let labels = realSink?.channels.compactMap { ChannelLabel(name: $0) } ?? []
    return ChannelLayout(labels) ?? .stereo
  }

  /// The real sinks are others: buses play to the one that is the default, in its channels.
  func sinksChanged() {
    guard let effective, let sink = realSink else { return }
    if lastRealSink != nil, lastRealSink != sink.name {
      bus.publish("routing", ["kind": "real_sink_changed", "name": .string(sink.name), "node_id": JSON(sink.node)])
    }
    lastRealSink = sink.name
    if sink.isDefault { lastDefaultSink = sink.name }
    attendBuses(effective.profile)
    for (name, bus) in buses {
      do throws(BackendError) { try bus.play(to: sink.name) } catch { tell("bus \(name): \(error)", true) }
    }
  }

  /// Its players leave it first.
  private func dismiss(_ bus: RouteBus) {
    leaving.append(bus)
    EventLoop.shared.schedule(after: Self.farewell) { [weak self] in
      guard let self, let index = leaving.firstIndex(where: { $0 === bus }) else { return }
      leaving.remove(at: index)
      bus.stop()
    }
  }

  func closeBuses() {
    for bus in buses.values { dismiss(bus) }
    buses = [:]
  }

  /// While something fades there is something to do every few milliseconds.
  func serviceSoon() {
    guard serviceTimer == nil, buses.values.contains(where: { !$0.isSettled }) else { return }
    serviceTimer = EventLoop.shared.schedule(after: .milliseconds(5), every: .milliseconds(5)) { [weak self] in
      guard let self else { return }
      for bus in buses.values { bus.service(at: renderNow()) }
      guard buses.values.allSatisfy(\.isSettled), let serviceTimer else { return }
      EventLoop.shared.cancel(serviceTimer)
      self.serviceTimer = nil
    }
  }
}
