import AudioCore
import Control
import Glibc

/// Has the daemon record, and shows it.
enum RecordStart {
  static func run(_ options: Options) throws -> ExitStatus {
    let devices = options.words.dropFirst()
    guard !devices.isEmpty else { throw Failure(.usage, "usage", "record start needs a device, such as desktop") }
    let length = try options.number("--seconds", in: 0.01...1e7)
    let isShown = isatty(1) == 1 && !options.has("--detach") && !options.asJSON
    if isShown || length != nil { Pause.takeSignals() }
    let client = try options.connect()
    let reply = try client.request("stream_start", try arguments(Array(devices), options), timeout: .seconds(20))
    let streams = (reply["streams"]?.arrayValue ?? []).compactMap { $0["uri"]?.stringValue }
    guard isShown || length != nil else {
      print(
        options.asJSON
          ? reply.text : (reply["streams"]?.arrayValue ?? []).map { RecordCommand.line($0) }.joined(separator: "\n"))
      return .ok
    }
    if isShown { for stream in reply["streams"]?.arrayValue ?? [] { print(RecordCommand.line(stream)) } }
    try follow(streams, client, length, isShown: isShown)
    return try finish(streams, client, options)
  }

  private static func arguments(_ devices: [String], _ options: Options) throws -> JSONObject {
    var format: JSONObject = ["sample_format": .string(options.value("--format") ?? "f32")]
    if let rate = try options.integer("--rate", in: 1...Int(Int32.max)) { format["sample_rate"] = JSON(rate) }
    if let channels = try options.integer("--channels", in: 1...64) { format["channels"] = JSON(channels) }
    if let labels = options.value("--labels") {
      format["labels"] = .array(labels.split(separator: ",").map { .string(String($0)) })
    }
    let uri = options.value("--uri")
    let path = options.value("--path").map { $0.hasPrefix("/") ? $0 : WorkingFolder.path + "/" + $0 }
    var list: [JSONObject] = []
    for (index, device) in devices.enumerated() {
      let number = devices.count > 1 ? "-\(index + 1)" : ""
      var stream: JSONObject = [
        "uri": .string((uri ?? "stream://\(device)") + (uri == nil ? "" : number)), "device": .string(device),
        "format": .object(format), "convert": .bool(options.has("--convert")),
      ]
      if let path { stream["path"] = .string(path + (devices.count > 1 ? "/\(index + 1)" : "")) }
      if let bytes = try options.integer("--chunk-bytes", in: 1...(1 << 40)) { stream["chunk_bytes"] = JSON(bytes) }
      list.append(stream)
    }
    return list.count == 1 ? list[0] : ["streams": .array(list.map { .object($0) })]
  }

  /// Until the user or the length ends it.
  private static func follow(
    _ streams: [String], _ client: ControlClient, _ length: Double?, isShown: Bool
  ) throws {
    var last = (time: renderNow(), bytes: 0)
    var rate = 0.0
    while true {
      if Pause.wait(until: renderNow() + .milliseconds(isShown ? 200 : 50)) { break }
      let list = try client.request("stream_list")["streams"]?.arrayValue ?? []
      let mine = list.filter { stream in streams.contains { stream["uri"]?.stringValue == $0 } }
      // Somebody else has ended them.
      if mine.isEmpty { break }
      let seconds = mine.compactMap { $0["seconds"]?.doubleValue }.max() ?? 0
      if let length, seconds >= length { break }
      guard isShown else { continue }
      let stats = try client.request("stream_stats")["streams"]?.arrayValue ?? []
      let counted = stats.filter { stream in streams.contains { stream["uri"]?.stringValue == $0 } }
      let now = renderNow()
      let bytes = counted.reduce(0) { $0 + ($1["bytes"]?.intValue ?? 0) }
      if now - last.time > .seconds(1) {
        rate = Double(bytes - last.bytes) / ((now - last.time).milliseconds / 1000)
        last = (now, bytes)
      }
      Terminal.write("\r\u{1B}[K" + line(mine, counted, seconds, rate))
    }
    if isShown { Terminal.write("\r\u{1B}[K") }
  }

  /// Level, position, what the disk gets, and for how long it has room: what there is a terminal's width for.
  static func line(_ streams: [JSON], _ stats: [JSON], _ seconds: Double, _ rate: Double) -> String {
    let path = streams.first?["path"]?.stringValue
    let room = rate > 0 ? path.flatMap { self.room($0) }.map { Double($0) / rate } : nil
    var columns = Int.max
    if case .terminal(let width, _) = Terminal.style { columns = width - 1 }
    return fitted(streams, stats, seconds, rate, room, columns)
  }

  /// What is wrong stands before what merely informs. The bar shrinks first, then the disk's words go.
  static func fitted(
    _ streams: [JSON], _ stats: [JSON], _ seconds: Double, _ rate: Double, _ room: Double?, _ columns: Int
  ) -> String {
    let peak = stats.compactMap { $0["peak_dbfs"]?.doubleValue }.max()
    let level = peak.map { "\(padded(fixed($0, 1), 6)) dBFS" } ?? "     silent"
    var wrong: [String] = []
    let gaps = stats.reduce(0) { $0 + ($1["gaps"]?.intValue ?? 0) }
    let lost = stats.reduce(0) { $0 + ($1["dropped_frames"]?.intValue ?? 0) }
    if gaps > 0 { wrong.append(RecordCommand.counted(gaps, "gap")) }
    if lost > 0 { wrong.append("\(RecordCommand.counted(lost, "frame")) lost") }
    if let trouble = streams.lazy.compactMap({ $0["disk_trouble"]?["message"] ?? $0["trouble"] }).first {
      wrong.append(trouble.plain)
    }
    var disk = ["\(fixed(rate / 1e6, 2)) MB/s"]
    if let room { disk.append("room for \(clock(room))") }
    for (width, told) in [(20, 2), (8, 2), (8, 1), (0, 1), (0, 0)] {
      let parts =
        [level] + (width > 0 ? [bar(peak ?? -200, width)] : []) + [clock(seconds)] + wrong + disk.prefix(told)
      let text = parts.joined(separator: "  ")
      if text.count <= columns || told == 0 { return String(text.prefix(columns)) }
    }
    return ""
  }

  private static func bar(_ level: Double, _ width: Int) -> String {
    let filled = Int(((level + 60) / 60 * Double(width)).rounded())
    return "[" + String(repeating: "#", count: min(max(filled, 0), width)).padded(to: width) + "]"
  }

  static func clock(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e12))
    let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
    return "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
  }

  private static func room(_ path: String) -> Int? {
    var facts = statvfs()
    guard statvfs(path, &facts) == 0 else { return nil }
    return Int(facts.f_bavail) * Int(facts.f_frsize)
  }

  private static func finish(
    _ streams: [String], _ client: ControlClient, _ options: Options
  ) throws -> ExitStatus {
    var status = ExitStatus.ok
    var ended: [JSON] = []
    for uri in streams {
      let reply: JSON
      do { reply = try client.request("stream_stop", ["uri": .string(uri)], timeout: .seconds(30)) } catch {
        // It has been stopped already.
        guard case .refused(let refusal) = error, refusal.code == .notFound else { throw error }
        continue
      }
      ended.append(reply)
      if !options.asJSON { print(RecordCommand.line(reply["stream"] ?? .null)) }
      if reply["saved"] != true { status = .degraded }
    }
    if options.asJSON { print((["stopped": .array(ended)] as JSON).text) }
    return status
  }
}

/// Where the user is.
enum WorkingFolder {
  static var path: String {
    guard let text = getcwd(nil, 0) else { return "" }
    defer { free(text) }
    return String(cString: text)
  }
}
