import Control

/// Our events in headroom's words; none where headroom has none.
enum HeadroomEvents {
  static func event(_ topic: String, _ data: JSON) -> JSON? {
    switch topic {
    case "bus_meters": tick(data)
    case "app_levels": level(data)
    case "profile": profile(data)
    case "routing": routing(data)
    default: nil
    }
  }

  private static func tick(_ data: JSON) -> JSON? {
    guard data["bus"]?.stringValue != nil else { return nil }
    // There a reduction is a gain below 0 dB.
    let compressor = 0 - gain(data, "compressor_gr_db")
    let limiter = 0 - gain(data, "limiter_gr_db")
    return HeadroomFrame.event(
      "tick", "meters",
      [
        "momentary_lufs": loudness(data, "momentary_lufs"), "shortterm_lufs": loudness(data, "shortterm_lufs"),
        "integrated_lufs": loudness(data, "integrated_lufs"), "true_peak_dbtp": loudness(data, "true_peak_dbtp"),
        "gain_reduction_db": JSON(compressor + limiter), "compressor_gr_db": JSON(compressor),
        "limiter_gr_db": JSON(limiter), "agc_gain_db": JSON(gain(data, "agc_gain_db")),
        "agc_enabled": data.flag("agc_enabled"), "compressor_enabled": data.flag("compressor_enabled"),
      ])
  }

  /// Nothing is heard where nothing is said.
  private static func loudness(_ data: JSON, _ name: String) -> JSON {
    guard let value = data[name]?.doubleValue, value.isFinite else { return JSON(HeadroomProtocol.floor) }
    return JSON(max(value, HeadroomProtocol.floor))
  }

  private static func gain(_ data: JSON, _ name: String) -> Double {
    guard let value = data[name]?.doubleValue, value.isFinite else { return 0 }
    return value
  }

  private static func level(_ data: JSON) -> JSON? {
    guard data["node_id"]?.intValue != nil else { return nil }
    return HeadroomFrame.event(
      "layer_a_level", "meters",
      [
        "node_id": data.count("node_id"), "app": data.text("app"), "volume_lin": data.number("volume_lin", missing: 1),
        "reduction_db": data.number("reduction_db"),
      ])
  }

  private static func profile(_ data: JSON) -> JSON? {
    switch data["kind"]?.stringValue {
    case "used": HeadroomFrame.event("used", "profile", ["name": data.text("name")])
    // There is always one there; the one without a name is none.
    case "off": HeadroomFrame.event("used", "profile", ["name": ""])
    case "reloaded": HeadroomFrame.event("reloaded", "profile", ["loaded": data.list("loaded")])
    default: nil
    }
  }

  private static func routing(_ data: JSON) -> JSON? {
    guard let kind = data["kind"]?.stringValue else { return nil }
    let node = data.count("node_id")
    let members: JSON? =
      switch kind {
      case "stream_routed": ["node_id": node, "app": data.text("app"), "to": HeadroomAnswers.route(data["to"])]
      case "stream_removed", "layer_a_detached": ["node_id": node]
      case "layer_a_attached": ["node_id": node, "app": data.text("app")]
      case "rule_changed": [:]
      case "real_sink_changed": ["name": data.text("name"), "node_id": node]
      default: nil
      }
    return members.map { HeadroomFrame.event(kind, "routing", $0) }
  }
}
