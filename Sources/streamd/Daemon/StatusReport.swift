import AudioCore
import AudioIO
import Capture
import Control
import Metering
import OpusCodec
import Settings
import Wiring

// What `status`, `session.list` and the event topics say.
extension Daemon {
  func status() -> JSON {
    var result = sections()
    routing.addStatus(to: &result)
    if let microphones { result["mic"] = microphones.report() }
    return .object(result)
  }

  private func sections() -> JSONObject {
    [
      "name": "streamd", "version": .string(Self.version), "state": .string(stateWord),
      "uptime_s": JSON(seconds(since: startedAt)), "backend": .string(backend.name),
      "problems": .array(problems()), "captures": .array(captures.map { .object(report(of: $0.key, $0.entry)) }),
      "sessions": .array(allSessions.map { .object(report(of: $0)) }),
    ]
  }

  /// `idle` without sessions and duplex channels, `ok`, or `degraded` with the reasons beside it.
  private var stateWord: String {
    guard problems().isEmpty else { return "degraded" }
    return allSessions.isEmpty && channels.running.isEmpty ? "idle" : "ok"
  }

  /// What the daemon joins without the graph.
  var directPairs: [JSON] {
    var pairs: [JSON] = graph.feedsMain ? [] : [["from": "desktop", "to": "bus:main"]]
    if let microphones { pairs.append(["from": "clients", "to": .string(microphones.settings.name)]) }
    return pairs
  }

  func health() -> JSON { ["state": .string(stateWord), "problems": .array(problems())] }

  private func problems() -> [JSON] {
    neededCaptures.compactMap { key, entry in
      guard case .waiting(let error) = entry.state else { return nil }
      return .object(report(of: error, target: key.title, since: entry.since))
    } + channels.problems
  }

  private func report(of error: BackendError, target: String, since: HostTime) -> JSONObject {
    // The moment, not the age: an event must differ only when something has changed.
    var result: JSONObject = [
      "target": .string(target), "code": .string(error.code.rawValue), "message": .string(error.message),
      "recovery": .string(error.recovery.rawValue), "since_monotonic_ns": JSON(since.nanoseconds),
    ]
    if let hint = error.hint { result["hint"] = .string(hint) }
    return result
  }

  private func report(of key: Downlink.Key, _ entry: DownlinkEntry) -> JSONObject {
    let stream = entry.downlink.report
    var result: JSONObject = ["target": .string(key.title), "state": .string(word(entry.state))]
    if case .running(let device) = entry.state { result["device"] = .string(device) }
    if case .waiting(let error) = entry.state { result["reason"] = .string(error.description) }
    if let layout = stream.format?.layout { result["channels"] = JSON(layout.names) }
    if let path = entry.downlink.path {
      result["mode"] = .string(path.mode.rawValue)
      result["path"] = .string(path.heard)
      if path.mode == .auto {
        result["path_reason"] = .string(path.reason)
        result["fallbacks"] = JSON(path.fallbacks)
      }
      if path.mode != .monitor {
        result["unheard"] = .array(path.unheard.map { .string($0.description) })
        result["repaired_cycles"] = JSON(entry.incidents.repairedCycles)
        result["unlike_cycles"] = JSON(stream.unlikeCycles)
      }
    }
    result["heals"] = JSON(entry.heals.count)
    result["heal_causes"] = .object(JSONObject(entry.heals.causes.sorted { $0.key < $1.key }.map { ($0, JSON($1)) }))
    if let last = entry.heals.last { result["last_heal"] = report(of: last, target: key.title) }
    if key == hostAudio.sink, let copy = hostAudio.copy { result["copy"] = .object(report(of: copy.facts)) }
    result["quantum"] = JSON(stream.quantum)
    result["graph_rate"] = JSON(stream.graphRate)
    result["cycles"] = JSON(stream.cycles)
    result["scheduling"] = .string(stream.scheduling)
    result["quantum_changes"] = JSON(entry.incidents.quantumChanges)
    result["missed_cycles"] = JSON(entry.incidents.missedCycles)
    result["missed_ms"] = milliseconds(frames: entry.incidents.missedFrames)
    result["late_wakes"] = JSON(entry.incidents.lateWakes)
    result["worst_late_ms"] = rounded(entry.incidents.worstLateness.milliseconds)
    return result
  }

  func report(of heal: HealRecord, target: String) -> JSON {
    var result: JSONObject = [
      "target": .string(target), "cause": .string(heal.cause), "message": .string(heal.message),
      "device": .string(heal.device), "interrupted_ms": rounded(heal.duration.milliseconds),
    ]
    if let previous = heal.previous { result["previous_device"] = .string(previous) }
    return .object(result)
  }

  /// What a real sink plays of our own.
  private func report(of copy: SinkCopy.Facts) -> JSONObject {
    var result: JSONObject = ["state": .string(word(copy.state))]
    if case .running(let device) = copy.state { result["device"] = .string(device) }
    if case .waiting(let error) = copy.state { result["reason"] = .string(error.description) }
    if let layout = copy.layout { result["channels"] = JSON(layout.names) }
    result["underruns"] = JSON(copy.underruns)
    result["overruns"] = JSON(copy.overruns)
    result["missed_cycles"] = JSON(copy.missedCycles)
    result["dropped_ms"] = milliseconds(frames: UInt64(copy.droppedFrames))
    result["inserted_ms"] = milliseconds(frames: UInt64(copy.insertedFrames))
    result["waiting_ms"] = milliseconds(frames: UInt64(copy.waitingFrames))
    return result
  }

  private func word(_ state: StreamState) -> String {
    switch state {
    case .stopped: "stopped"
    case .waiting: "waiting"
    case .running: "running"
    }
  }

  func sessionsSnapshot() -> JSON { ["sessions": .array(allSessions.map { .object(report(of: $0)) })] }

  func report(of session: StreamSession) -> JSONObject {
    let spec = session.spec
    let codec = spec.configuration
    let now = session.statistics()
    let counts = session.line.counts
    var result: JSONObject = [
      "session": .string(session.identifier), "name": .string(spec.name), "protocol": .string(spec.transport.name),
      "target": .string(spec.source.title), "bus": .string(session.heard.bus ?? ""),
    ]
    if let entry = entry(of: session) {
      result["state"] = .string(now.isSilent ? "silent" : "live")
      if case .waiting(let error) = entry.state {
        result["reason"] = .string(error.description)
        result["reason_code"] = .string(error.code.rawValue)
      }
      if case .running(let device) = entry.state { result["device"] = .string(device) }
    } else {
      result["state"] = "closed"
    }
    result["channels"] = JSON(codec.layout.count)
    result["layout"] = JSON(codec.layout.names)
    result["bitrate"] = JSON(codec.bitrate)
    result["frame_ms"] = JSON(Double(codec.frame.frames.value) / 48)
    result["gain_db"] = JSON(spec.gain.value)
    result["limiter"] = JSON(spec.isLimited)
    result["muted"] = JSON(spec.isMuted)
    result["host_audio"] = .string(spec.hostAudio.rawValue)
    result["pacing"] = .string(now.isEven ? "even" : "ready")
    result["encoder_shared_by"] = JSON(session.shares)
    spec.transport.describe(session.line, into: &result)
    result["local_port"] = JSON(session.line.localPort)
    result["uptime_s"] = JSON(seconds(since: session.openedAt))
    result["scheduling"] = .string(session.scheduling)
    result["sent"] = [
      "packets": JSON(counts.packets), "bytes": JSON(counts.bytes), "errors": JSON(counts.sendErrors),
      "last_errno": JSON(counts.lastSendError), "encode_errors": JSON(now.encodeErrors),
    ]
    result["capture"] = [
      "silence_ms": JSON(Double(now.reframed.silentFrames) * Double(codec.frame.frames.value) / 48),
      "gaps": JSON(now.reframed.gaps), "gap_ms": milliseconds(frames: now.reframed.gapFrames),
      "stale_ms": milliseconds(frames: now.reframed.staleFrames),
      "late_ms": milliseconds(frames: now.reframed.lateFrames),
      "flooded_ms": milliseconds(frames: UInt64(session.floodedFrames)),
    ]
    result["encode_times"] = times(now.encodeTimes)
    result["delays"] = times(now.delays)
    result["clock"] = ["frames": JSON(now.position), "monotonic_ns": JSON(now.positionTime.nanoseconds)]
    return result
  }

  /// For the `levels` topic.
  func levels(in window: MeterWindow) -> JSON {
    .object(["sessions": .array(window.readings(.session).map { .object(levels(of: $0)) })])
  }

  private func levels(of session: MeterReading) -> JSONObject {
    [
      "session": .string(session.name.id),
      "channels": .array(
        session.labels.enumerated().map { index, label in
          [
            "channel": .string(label),
            "peak_dbfs": rounded((session.levels?.peak(index) ?? .floor).value),
            "rms_dbfs": rounded((session.levels?.rms(index) ?? .floor).value),
          ]
        }),
    ]
  }

  /// How often it took at most so many microseconds, and all times together.
  private func times(_ tally: TimeTally) -> JSON {
    [
      "count": JSON(tally.count), "total_ms": rounded(tally.total.milliseconds),
      "at_most_us": .object(
        JSONObject(tally.cumulative.map { ("\($0.bound.nanoseconds / 1000)", JSON($0.count)) })),
    ]
  }

  private func seconds(since time: HostTime) -> Double { ((renderNow() - time).milliseconds / 100).rounded() / 10 }
  private func milliseconds(frames: UInt64) -> JSON { rounded(Double(frames) / 48) }
  private func rounded(_ value: Double) -> JSON { JSON((value * 100).rounded() / 100) }
}
