import Control

/// What push-to-talk may be about, as people write it.
enum TalkTarget: Equatable {
  /// `mic`: every client's microphone.
  case everybody
  /// `mic:NAME`: one, by its identifier or name.
  case mic(String)
  /// `node:NAME`: a node of the graph that can be muted, such as a bus's gain.
  case node(String)
  /// `channel:NAME`: a duplex channel.
  case channel(String)

  init(_ text: String) throws(ControlError) {
    if text == "mic" {
      self = .everybody
      return
    }
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty, text.utf8.count <= 128 else { throw Self.unclear(text) }
    switch parts[0] {
    case "mic": self = .mic(parts[1])
    case "node": self = .node(parts[1])
    case "channel": self = .channel(parts[1])
    default: throw Self.unclear(text)
    }
  }

  var text: String {
    switch self {
    case .everybody: "mic"
    case .mic(let name): "mic:\(name)"
    case .node(let name): "node:\(name)"
    case .channel(let name): "channel:\(name)"
    }
  }

  private static func unclear(_ text: String) -> ControlError {
    ControlError(
      .badArgs, "\(text.prefix(64)) is nothing that can be talked through", path: "target",
      hint: "mic, mic:NAME, node:NAME or channel:NAME")
  }
}
