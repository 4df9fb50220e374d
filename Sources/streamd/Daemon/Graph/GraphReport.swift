import AudioCore
import AudioIO
import Control
import GraphFiles
import Mixer
import Wiring

// What is said about the graph, in the words of the protocol.
extension GraphRoom {
  /// For people: one line.
  func describe() -> String {
    switch station.state {
    case .stopped: "stopped"
    case .stopping: "stopping"
    case .waiting(let error): "waiting: \(error.message)"
    case .running(let device): "running on \(device)"
    }
  }

  /// Event `state` and what `start` and `stop` answer.
  func state() -> JSON {
    var members = JSONObject()
    switch station.state {
    case .stopped: members["value"] = "stopped"
    case .stopping: members["value"] = "stopping"
    case .waiting(let error):
      members["value"] = "waiting"
      members["reason"] = .string(error.code.rawValue)
      members["message"] = .string(error.message)
      if let hint = station.deviceTrouble?.hint ?? error.hint { members["hint"] = .string(hint) }
    case .running(let device):
      members["value"] = "running"
      members["device"] = .string(device)
    }
    members["driver"] = .string(station.device.system)
    return .object(members)
  }

  func deviceReport() -> JSON {
    let device = station.device
    var members: JSONObject = [
      "driver": .string(device.system), "name": .string(device.name ?? "default"),
      "rate": JSON(device.format.rate.hertz), "channels": JSON(device.format.layout.count),
      "period": JSON(device.period.value),
    ]
    let report = station.report
    if report.quantum > 0 { members["actual_period"] = JSON(report.quantum) }
    if report.graphRate > 0 { members["device_rate"] = JSON(report.graphRate) }
    if let terms = report.terms { members["terms"] = .string(terms) }
    members["scheduling"] = .string(report.scheduling)
    return .object(members)
  }

  /// Event `stats`.
  func stats() -> JSON {
    let facts = station.facts
    let rate = Double(station.device.format.rate.hertz)
    var members: JSONObject = [
      "cpu_pct": JSON(rounded(facts.meanLoad * 100)), "peak_pct": JSON(rounded(facts.peakLoad * 100)),
      "period": JSON(facts.frames.value), "late_us": JSON(max(Int(facts.lateness.nanoseconds / 1000), 0)),
      "jitter_us": JSON(rounded(Double(facts.jitter.nanoseconds) / 1000)), "cycles": JSON(facts.cycles),
      "position": JSON(Int(facts.position)), "drift_ppm": JSON(rounded(station.report.clockPPM ?? facts.driftPPM)),
      "budget_us": JSON(rounded(Double(facts.frames.value) / rate * 1e6)), "relief": .string("\(facts.relief)"),
    ]
    if case .object(let counts) = counts.json { members.merge(counts) }
    return .object(members)
  }

  /// The graph's position and the host's clock, for whoever brings pictures in time with it.
  func clock() -> JSON {
    let facts = station.facts
    let now = renderNow()
    let rate = Double(station.device.format.rate.hertz) * (1 + facts.driftPPM / 1e6)
    let elapsed = Double((now - facts.time).nanoseconds) / 1e9
    let isRunning = if case .running = station.state { facts.cycles > 0 } else { false }
    var members: JSONObject = [
      "running": .bool(isRunning), "position": JSON(Int(facts.position)), "time_ns": JSON(Int(facts.time.nanoseconds)),
      "rate": JSON(station.device.format.rate.hertz), "drift_ppm": JSON(rounded(facts.driftPPM)),
      "now_ns": JSON(Int(now.nanoseconds)), "error_us": JSON(rounded(Double(facts.jitter.nanoseconds) / 1000)),
    ]
    if isRunning { members["now_position"] = JSON(Int(facts.position) + Int((elapsed * rate).rounded())) }
    return .object(members)
  }

  // MARK: Nodes

  /// One node as it is: what was given, what it measures.
  func report(of node: GraphNode, catalog: NodeCatalog = .linked) -> JSON {
    var members: JSONObject = [
      "id": JSON(node.id.value), "name": .string(node.name), "type": .string(node.kind),
    ]
    let live = station.engine.processor(of: node.id)
    var settings = JSONObject()
    for name in node.settings.keys.sorted() { settings[name] = node.settings[name].map { GraphDocument.json($0) } }
    members["settings"] = .object(settings)
    var parameters = JSONObject()
    if let block = live?.parameters {
      for (index, spec) in block.specs.enumerated() { parameters[spec.name] = JSON(block.values[index]) }
    }
    members["params"] = .object(parameters)
    var readings = JSONObject()
    for reading in station.engine.readings(of: node.id) { readings[reading.name] = JSON(rounded(reading.value)) }
    members["readings"] = .object(readings)
    if let latency = live?.latency { members["latency"] = JSON(latency.value) }
    return .object(members)
  }

  /// The whole: nodes with their figures, connections, what nothing is connected to.
  func snapshot() -> JSON {
    let graph = self.graph
    var connected: Set<NodeID> = []
    let connections = graph.sortedConnections.map { connection -> JSON in
      connected.insert(connection.from.node)
      connected.insert(connection.to.node)
      return [
        "from": JSON(connection.from.node.value), "output": JSON(connection.from.port + 1),
        "to": JSON(connection.to.node.value), "input": JSON(connection.to.port + 1),
      ]
    }
    return [
      "generation": JSON(generation), "state": state(), "device": deviceReport(),
      "stats": stats(), "buses": JSON(ends.fed),
      "nodes": .array(graph.sortedNodes.map { report(of: $0) }), "connections": .array(connections),
      "orphans": .array(graph.sortedNodes.filter { !connected.contains($0.id) }.map { JSON($0.id.value) }),
    ]
  }

  private func rounded(_ value: Double) -> Double {
    value.isFinite ? (value * 1000).rounded() / 1000 : -1000
  }
}
