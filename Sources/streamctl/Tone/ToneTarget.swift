import AudioIO
import Control

/// Where a tone for one of the daemon's duplex channels is to be played.
enum ToneTarget {
  static func channel(_ number: Int, _ options: Options) throws -> (any AudioBackend, SinkTarget) {
    let reply = try options.connect().request("channels.list")
    let channels = reply["logical_channels"]?.objectValue ?? [:]
    guard let channel = channels["\(number)"] else {
      let known = channels.keys.joined(separator: ", ")
      throw Failure(
        .notFound, "unknown_channel",
        "there is no channel \(number)" + (known.isEmpty ? "; none is configured" : "; there are \(known)"))
    }
    let output = channel["output"] ?? .null
    guard let name = output["name"]?.stringValue else {
      throw Failure(
        .refused, "no_device", "channel \(number): \(output["message"]?.plain ?? "its device is not there")")
    }
    Console.note("test-tone: channel \(number) plays to \(output["description"]?.plain ?? name)")
    let system = output["backend"]?.stringValue ?? "pipewire"
    return (try SoundSystem.backend(system, options), name == "default" ? .defaultSink : .named(name))
  }
}
