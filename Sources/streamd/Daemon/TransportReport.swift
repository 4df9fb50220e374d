import Control
import Wiring

// What is said of a session's wire.
extension SessionSpec.Transport {
  var name: String {
    switch self {
    case .rtp: "rtp"
    }
  }

  var destination: String {
    switch self {
    case .rtp(let terms): terms.host.contains(":") ? "[\(terms.host)]:\(terms.port)" : "\(terms.host):\(terms.port)"
    }
  }

  func describe(_ line: any SessionLine, into report: inout JSONObject) {
    switch self {
    case .rtp(let terms):
      report["payload_type"] = JSON(terms.payloadType)
      if let line = line as? RTPLine { report["ssrc"] = JSON(line.source) }
    }
  }
}
