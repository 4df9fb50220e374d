import AudioCore
import Capture
import Control
import Wiring

// What is said of a session's wire. Keys are never among it.
extension SessionSpec.Transport {
  var name: String {
    switch self {
    case .rtp: "rtp"
    case .gameStream: "gamestream"
    }
  }

  /// Where sound goes, for the log.
  var destination: String {
    switch self {
    case .rtp(let terms): terms.host.contains(":") ? "[\(terms.host)]:\(terms.port)" : "\(terms.host):\(terms.port)"
    case .gameStream: "whoever pings"
    }
  }

  func describe(_ line: any SessionLine, into report: inout JSONObject) {
    switch self {
    case .rtp(let terms):
      report["to"] = .string(destination)
      report["payload_type"] = JSON(terms.payloadType)
      if let line = line as? RTPLine { report["ssrc"] = JSON(line.source) }
    case .gameStream(let terms):
      guard let line = line as? GameStreamLine else { return }
      let facts = line.endpoint.facts
      if let peer = facts.peer { report["to"] = .string("\(peer)") }
      report["encrypted"] = JSON(terms.encryption != nil)
      report["pings"] = [
        "heard": JSON(facts.pings), "ignored": JSON(facts.ignored), "moves": JSON(facts.moves),
        "timeout_s": JSON(terms.timeout.milliseconds / 1000),
      ]
    }
  }
}
