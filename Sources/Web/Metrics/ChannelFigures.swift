import Control

/// Duplex channels as `channels.list` has them.
enum ChannelFigures {
  static func add(_ list: JSON, to page: inout MetricsText) {
    let channels = list["logical_channels"]?.objectValue ?? [:]
    func family(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (JSON) -> Double?) {
      page.family(name, kind, help, channels.map { ([("channel", $0.0)], value($0.1)) })
    }
    func isRunning(_ side: String) -> (JSON) -> Double? { { $0[side]?["state"] == "running" ? 1 : 0 } }
    family("streamd_channel_output_up", .gauge, "1 while its device plays.", isRunning("output"))
    family("streamd_channel_input_up", .gauge, "1 while sound comes from its device.", isRunning("input"))
    family("streamd_channel_heard", .gauge, "1 while it is neither muted nor its gate shut.") {
      $0["mute"] == false && $0["gate_open"] == true ? 1 : 0
    }
    family("streamd_channel_xruns_total", .counter, "Cycles that its device lost.") { $0["xruns"]?.doubleValue }
    family("streamd_channel_starved_total", .counter, "Times that its input ran dry.") { $0["starved"]?.doubleValue }
    family("streamd_channel_load_ratio", .gauge, "Share of its time that it takes.") {
      ($0["cpu_pct"]?.doubleValue).map { $0 / 100 }
    }
    family("streamd_channel_latency_seconds", .gauge, "From the one device to the other, without what those take.") {
      ($0["latency_ms"]?.doubleValue).map { $0 / 1000 }
    }
    family("streamd_channel_drift_ratio", .gauge, "How much faster than the one that plays its input's clock runs.") {
      ($0["clock_ppm"]?.doubleValue).map { $0 / 1e6 }
    }
  }
}
