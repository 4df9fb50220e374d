import AppRings
import AudioCore
import Control

// What `ring.list` and the other verbs say of a ring.
extension Rings {
  func report() -> JSON {
    [
      "rings": .array(all.map { .object(report(of: $0)) }),
      "bytes": JSON(all.reduce(0) { $0 + $1.ring.format.bytes }),
    ]
  }

  func report(of entry: Entry) -> JSONObject {
    let format = entry.ring.format
    let facts = entry.ring.facts(takingPeak: true)
    var result: JSONObject = [
      "ring": .string(entry.identifier), "name": .string(entry.name), "direction": .string(format.direction.rawValue),
      "state": .string(state(entry.ring, facts)), "pid": JSON(Int(entry.pid)), "channels": JSON(format.channels),
      "rate": JSON(format.rate.hertz), "frames": JSON(format.capacity.value), "low": JSON(format.low.value),
      "high": JSON(format.high.value), "bytes": JSON(format.bytes), "memfd": .bool(entry.isBrought),
      "fill": JSON(facts.fill.value),
      "fill_ms": JSON((facts.fill.duration(at: format.rate).milliseconds * 100).rounded() / 100),
      "moved_frames": JSON(facts.frames), "xruns": JSON(facts.xruns), "lost_frames": JSON(facts.lost.value),
      "wakes": JSON(facts.bells),
      "faults": .object(JSONObject(facts.faults.map { ($0.fault.rawValue, JSON($0.count)) })),
    ]
    if entry.ring.isInUse {
      result["period"] = JSON(facts.period.value)
      result["peak_dbfs"] = JSON((facts.peak.value * 100).rounded() / 100)
    }
    if facts.isTampered { result["bell_blocking"] = true }
    // The application's own word, so it may be anything.
    if let stamp = facts.stamp {
      let age = (renderNow() - stamp).milliseconds
      if age >= 0, age < 86_400_000 { result["age_ms"] = JSON((age * 10).rounded() / 10) }
    }
    return result
  }

  /// `idle`: no graph uses it. `waiting`: one does, and there is no sound, or no room for it. `running`: sound moves.
  private func state(_ ring: SharedRing, _ facts: RingFacts) -> String {
    if ring.isClosed { return "closed" }
    guard ring.isInUse else { return "idle" }
    return facts.isMoving ? "running" : "waiting"
  }
}
