import AudioIO

/// What a name stands for that somebody wants recorded. Never anything else than what was named.
enum RecordedDevice: Hashable {
  /// A microphone of a sound system; nil for its default one.
  case device(system: String, name: String?)
  /// What a sink plays.
  case sink(SinkTarget)
  /// A bus of the graph.
  case bus(String)
  /// What a session's encoder is given.
  case session(String)
  /// What is decoded of a client's microphone.
  case voice(String)
  /// What passes a tap of the graph.
  case tap(String)

  init(_ text: String) {
    if text == "default-source" {
      self = .device(system: "pipewire", name: nil)
    } else if text == "desktop" || text == "default-sink" {
      self = .sink(.defaultSink)
    } else if text.hasPrefix("sink:") {
      self = .sink(.named(String(text.dropFirst(5))))
    } else if text.hasPrefix("bus:") {
      self = .bus(String(text.dropFirst(4)))
    } else if text.hasPrefix("session:") {
      self = .session(String(text.dropFirst(8)))
    } else if text.hasPrefix("mic:") {
      self = .voice(String(text.dropFirst(4)))
    } else if text.hasPrefix("tap:") {
      self = .tap(String(text.dropFirst(4)))
    } else if let system = ["alsa", "jack", "pipewire"].first(where: { text.hasPrefix($0 + ":") }) {
      let name = String(text.dropFirst(system.count + 1))
      self = .device(system: system, name: name.isEmpty ? nil : name)
    } else {
      self = .device(system: "pipewire", name: text)
    }
  }
}
