import Control

/// What the server knows of itself.
struct WebFigures {
  var answers: [(status: Int, count: Int)]
  var connections: Int
  var streams: Int
  var lateRequests: Int
}

/// `status` and `graph` as figures for Prometheus: each is what stands there, in base units. Labels are names that people
/// gave or that the daemon counts, never titles or processes.
enum MetricsPage {
  /// What the daemon is asked for a page.
  static let questions = ["status", "graph", "channels.list", "meters.read"]

  static func answer(from replies: [String: Result<JSON, ControlError>], own: WebFigures) -> Answer {
    switch replies["status"] {
    case .success(let status):
      let rest = replies.compactMapValues { try? $0.get() }
      return Answer(
        200, type: "text/plain; version=0.0.4; charset=utf-8",
        body: Array(text(status: status, rest, own: own).utf8))
    case .failure(let error): return .failure(error)
    case nil: return .failure(ControlError(.internal, "no reply"))
    }
  }

  private static func text(status: JSON, _ rest: [String: JSON], own: WebFigures) -> String {
    var page = MetricsText()
    addDaemon(status, to: &page)
    addCaptures(status["captures"]?.arrayValue ?? [], to: &page)
    addSessions(status["sessions"]?.arrayValue ?? [], to: &page)
    addMicrophones(status["mic"] ?? .null, to: &page)
    addGraph(rest["graph"] ?? .null, to: &page)
    addBuses(status["buses"]?.arrayValue ?? [], to: &page)
    ChannelFigures.add(rest["channels.list"] ?? .null, to: &page)
    LevelFigures.add(rest["meters.read"] ?? .null, to: &page)
    page.family(
      "streamd_http_answers_total", .counter, "Answers over HTTP by status.",
      own.answers.map { ([("code", String($0.status))], Double($0.count)) })
    page.figure("streamd_http_connections", .gauge, "HTTP connections open.", Double(own.connections))
    page.figure("streamd_http_streams", .gauge, "Event streams open.", Double(own.streams))
    page.figure(
      "streamd_http_late_requests_total", .counter, "Connections closed because a request did not come in time.",
      Double(own.lateRequests))
    return page.text
  }

  private static func addDaemon(_ status: JSON, to page: inout MetricsText) {
    page.family(
      "streamd_build_info", .gauge, "Which version runs.",
      [([("version", status["version"]?.stringValue ?? "")], 1)])
    let state = status["state"]?.stringValue ?? ""
    page.family(
      "streamd_state", .gauge, "1 for the state the daemon is in.",
      ["idle", "ok", "degraded"].map { ([("state", $0)], $0 == state ? 1 : 0) })
    page.figure("streamd_uptime_seconds", .gauge, "Since the daemon began.", status["uptime_s"]?.doubleValue)
    page.figure(
      "streamd_problems", .gauge, "What is wrong now.", (status["problems"]?.arrayValue?.count).map(Double.init))
    page.figure(
      "streamd_sessions", .gauge, "Sessions open.", (status["sessions"]?.arrayValue?.count).map(Double.init))
  }

  private static func addCaptures(_ captures: [JSON], to page: inout MetricsText) {
    func family(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (JSON) -> Double?) {
      page.family(name, kind, help, captures.map { ([("bus", $0["target"]?.stringValue ?? "")], value($0)) })
    }
    family("streamd_capture_up", .gauge, "1 while it hears its device.") { $0["state"] == "running" ? 1 : 0 }
    family("streamd_heals_total", .counter, "Times it came back or moved.") { $0["heals"]?.doubleValue }
    page.family(
      "streamd_heals_by_cause_total", .counter, "The same by what had gone wrong; a cause is there once it was one.",
      captures.flatMap { capture in
        (capture["heal_causes"]?.objectValue ?? [:]).map { cause, count in
          ([("bus", capture["target"]?.stringValue ?? ""), ("cause", cause)], count.doubleValue)
        }
      })
    family("streamd_graph_quantum_frames", .gauge, "Frames of a graph cycle.") { $0["quantum"]?.doubleValue }
    family("streamd_graph_quantum_seconds", .gauge, "How long a graph cycle is.") { capture in
      guard let frames = capture["quantum"]?.doubleValue, let rate = capture["graph_rate"]?.doubleValue, rate > 0
      else { return nil }
      return frames / rate
    }
    family("streamd_capture_cycles_total", .counter, "Cycles heard.") { $0["cycles"]?.doubleValue }
    family("streamd_capture_missed_cycles_total", .counter, "Cycles that were lost.") {
      $0["missed_cycles"]?.doubleValue
    }
    family("streamd_capture_missed_seconds_total", .counter, "Sound of lost cycles.") { seconds($0["missed_ms"]) }
    family("streamd_capture_repaired_cycles_total", .counter, "Lost cycles made good.") {
      $0["repaired_cycles"]?.doubleValue
    }
    family("streamd_capture_late_wakes_total", .counter, "Cycles that began late.") { $0["late_wakes"]?.doubleValue }
  }

  private static func addSessions(_ sessions: [JSON], to page: inout MetricsText) {
    func labels(_ session: JSON) -> [(String, String)] {
      [("session", session["session"]?.stringValue ?? ""), ("client", session["name"]?.stringValue ?? "")]
    }
    func family(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (JSON) -> Double?) {
      page.family(name, kind, help, sessions.map { (labels($0), value($0)) })
    }
    family("streamd_session_live", .gauge, "1 while it carries sound, 0 while it carries silence.") {
      $0["state"] == "live" ? 1 : 0
    }
    family("streamd_session_muted", .gauge, "1 while it is muted.") { $0["muted"] == true ? 1 : 0 }
    family("streamd_session_gain_db", .gauge, "Its gain.") { $0["gain_db"]?.doubleValue }
    family("streamd_session_target_bytes_per_second", .gauge, "What its encoder aims at.") {
      ($0["bitrate"]?.doubleValue).map { $0 / 8 }
    }
    family("streamd_packets_sent_total", .counter, "Packets sent.") { $0["sent"]?["packets"]?.doubleValue }
    family("streamd_sent_bytes_total", .counter, "Bytes sent.") { $0["sent"]?["bytes"]?.doubleValue }
    family("streamd_send_errors_total", .counter, "Packets that could not be sent.") {
      $0["sent"]?["errors"]?.doubleValue
    }
    family("streamd_encode_errors_total", .counter, "Frames that could not be encoded.") {
      $0["sent"]?["encode_errors"]?.doubleValue
    }
    func times(_ name: String, _ help: String, _ key: String) {
      page.histogram(name, help, sessions.map { (labels($0), $0[key] ?? .null) })
    }
    times("streamd_encode_seconds", "What encoding a packet took.", "encode_times")
    times(
      "streamd_capture_to_sent_seconds", "From when the sink played a packet's first sample until it was sent.",
      "delays")
    family("streamd_session_gaps_total", .counter, "Places where sound was lost before it was encoded.") {
      $0["capture"]?["gaps"]?.doubleValue
    }
    family("streamd_session_gap_seconds_total", .counter, "Sound lost before it was encoded.") {
      seconds($0["capture"]?["gap_ms"])
    }
    family("streamd_session_silence_seconds_total", .counter, "Silence sent because nothing was heard.") {
      seconds($0["capture"]?["silence_ms"])
    }
    family("streamd_session_late_seconds_total", .counter, "Sound that came too late.") {
      seconds($0["capture"]?["late_ms"])
    }
  }

  private static func addMicrophones(_ mic: JSON, to page: inout MetricsText) {
    guard !mic.isNull else { return }
    page.figure("streamd_mic_up", .gauge, "1 while the microphone can be recorded.", mic["state"] == "degraded" ? 0 : 1)
    page.figure("streamd_mic_muted", .gauge, "1 while everybody is muted.", mic["muted"] == true ? 1 : 0)
    page.figure("streamd_mic_recorders", .gauge, "Who records the microphone.", mic["recorders"]?.doubleValue)
    page.figure("streamd_mic_underruns_total", .counter, "Cycles without enough sound.", mic["underruns"]?.doubleValue)
    let mics = mic["mics"]?.arrayValue ?? []
    func labels(_ entry: JSON) -> [(String, String)] {
      [("mic", entry["mic"]?.stringValue ?? ""), ("client", entry["name"]?.stringValue ?? "")]
    }
    func family(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (JSON) -> Double?) {
      page.family(name, kind, help, mics.map { (labels($0), value($0)) })
    }
    page.family(
      "streamd_mic_packets_total", .counter, "Packets of a client's microphone by what became of them.",
      mics.flatMap { entry in
        [("received", "received"), ("lost", "lost"), ("late", "late"), ("duplicates", "duplicate")].map {
          (labels(entry) + [("result", $0.1)], entry[$0.0]?.doubleValue)
        }
      })
    page.family(
      "streamd_mic_refused_total", .counter, "Datagrams that were not taken, by reason: forged, old, malformed.",
      mics.flatMap { reasons(of: $0, labels($0)) })
    page.family(
      "streamd_mic_port_refused_total", .counter, "Datagrams at a port that were nobody's, by reason.",
      (mic["ports"]?.arrayValue ?? []).flatMap { reasons(of: $0, [("port", $0["port"]?.text ?? "")]) })
    family("streamd_mic_concealed_seconds_total", .counter, "Sound that was made up.") { seconds($0["concealed_ms"]) }
    family("streamd_mic_buffer_seconds", .gauge, "Sound that waits.") { seconds($0["buffer_ms"]) }
    family("streamd_mic_delay_seconds", .gauge, "Delay of the playout.") { seconds($0["delay_ms"]) }
    family("streamd_mic_drift_ratio", .gauge, "How much faster than ours its clock runs.") {
      ($0["ppm"]?.doubleValue).map { $0 / 1e6 }
    }
    family("streamd_mic_level_dbfs", .gauge, "How loud it is now.") { $0["level_dbfs"]?.doubleValue }
  }

  private static func reasons(
    of door: JSON, _ labels: [(String, String)]
  ) -> [(labels: [(String, String)], value: Double?)] {
    (door["refused"]?.objectValue ?? [:]).map { reason, count in (labels + [("reason", reason)], count.doubleValue) }
  }

  private static func addGraph(_ graph: JSON, to page: inout MetricsText) {
    guard !graph.isNull else { return }
    page.figure(
      "streamd_graph_running", .gauge, "1 while the mixer graph runs.",
      graph["state"]?["value"] == "running" ? 1 : 0)
    page.figure(
      "streamd_graph_nodes", .gauge, "Nodes of the graph.", (graph["nodes"]?.arrayValue?.count).map(Double.init))
    let stats = graph["stats"] ?? .null
    page.figure("streamd_graph_cycles_total", .counter, "Cycles rendered.", stats["cycles"]?.doubleValue)
    page.figure(
      "streamd_graph_load_ratio", .gauge, "Share of a cycle that rendering takes.",
      (stats["cpu_pct"]?.doubleValue).map { $0 / 100 })
    page.figure("streamd_graph_xruns_total", .counter, "Cycles the graph lost.", stats["xruns"]?.doubleValue)
  }

  private static func addBuses(_ buses: [JSON], to page: inout MetricsText) {
    func family(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (JSON) -> Double?) {
      page.family(name, kind, help, buses.map { ([("bus", $0["name"]?.stringValue ?? "")], value($0)) })
    }
    family("streamd_bus_players", .gauge, "Applications that play into it.") { $0["players"]?.doubleValue }
    family("streamd_bus_load_ratio", .gauge, "Share of a cycle that it takes.") { $0["load"]?.doubleValue }
    family("streamd_bus_underruns_total", .counter, "Cycles its device lacked sound.") { $0["underruns"]?.doubleValue }
    family("streamd_bus_latency_seconds", .gauge, "By how much its processing delays.") { seconds($0["latency_ms"]) }
  }

  private static func seconds(_ milliseconds: JSON?) -> Double? { milliseconds?.doubleValue.map { $0 / 1000 } }
}
