import Control
import Mixer
import Policy
import Wiring

/// What the processed bus measures and what levels of applications are, for those who look.
extension RoutingRoom {
  func declareMeters() {
    bus.declare("bus_meters", .state, summary: "loudness and gains of the processed bus, as often as the profile says")
    {
      [unowned self] in meters()
    }
    bus.declare("app_levels", .state, summary: "an application's volume that was written to keep its level")
  }

  func publish(_ news: LevelRoom.News) {
    switch news {
    case .attached(let node, let app):
      bus.publish("routing", ["kind": "layer_a_attached", "node_id": JSON(node), "app": .string(app)])
    case .detached(let node): bus.publish("routing", ["kind": "layer_a_detached", "node_id": JSON(node)])
    case .wrote(let node, let app, let volumes, let reduction):
      guard bus.hasSubscribers("app_levels") else { return }
      bus.publish(
        "app_levels",
        [
          "node_id": JSON(node), "app": .string(app), "volume_lin": JSON(Double(volumes.max() ?? 0)),
          "reduction_db": JSON(reduction),
        ], key: "\(node)")
    }
  }

  /// A timer runs only while somebody looks and there is something to see. Twice a second.
  func attendMeters() {
    let isWanted = effective != nil && bus.hasSubscribers("bus_meters")
    let rate = isWanted ? min(60, max(1, effective?.profile.metersPerSecond ?? 20)) : 0
    guard rate != metersPerSecond else { return }
    metersPerSecond = rate
    if let meterTimer { EventLoop.shared.cancel(meterTimer) }
    meterTimer =
      rate == 0
      ? nil
      : EventLoop.shared.schedule(after: .zero, every: .seconds(1 / rate)) { [weak self] in
        guard let self else { return }
        bus.publish("bus_meters", meters())
      }
  }

  /// A gain that nobody applies is 0 dB; a loudness that is not known is null.
  private func meters() -> JSON {
    guard let processed = buses[BusDescription.processed] else { return .null }
    let readings = processed.readings()
    func values(_ kind: String, _ name: String) -> [Double] {
      readings.filter { $0.node.kind == kind && $0.node.name != BusGraph.trim }.flatMap { entry in
        entry.values.filter { $0.name == name && $0.value.isFinite }.map(\.value)
      }
    }
    func gain(_ kind: String, _ name: String) -> JSON { rounded(values(kind, name).reduce(0, +)) }
    let figures = readings.first { $0.node.name == BusGraph.meter }?.values ?? []
    func loudness(_ name: String) -> JSON {
      guard let value = figures.first(where: { $0.name == name })?.value, value.isFinite, value > -120 else {
        return .null
      }
      return rounded(value)
    }
    let limiter = (values("limiter", "reduction") + values("soft_ceiling", "reduction")).reduce(0, +)
    return [
      "bus": .string(processed.name), "momentary_lufs": loudness("momentary"),
      "shortterm_lufs": loudness("short_term"), "integrated_lufs": loudness("integrated"),
      "true_peak_dbtp": loudness("true_peak"), "agc_gain_db": gain("leveller", "gain"),
      "compressor_gr_db": gain("compressor", "reduction"), "limiter_gr_db": rounded(limiter),
      "agc_enabled": .bool(!values("leveller", "gain").isEmpty),
      "compressor_enabled": .bool(!values("compressor", "reduction").isEmpty),
    ]
  }

  private func rounded(_ value: Double) -> JSON { JSON((value * 100).rounded() / 100) }
}
