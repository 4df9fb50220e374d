import AudioCore
import Control
import Glibc
import Recording

/// What was heard in the last seconds at each hop, with what the daemon says of itself: for a sound that was wrong.
enum ReportCommand: Command {
  static let name = "report"
  static let summary = "keep the last seconds of each hop, and say where a click was born"
  static let usage = """
    usage: streamctl report arm [--seconds N] [--mic]   from now on keep the last N seconds (30) of what is captured, of each
                                                        bus of the graph, and of what each session's encoder is given
           streamctl report [--last SECONDS] [--out DIR] [--json]
           streamctl report disarm
    report writes a WAV of each hop, the daemon's status and graph, the newest events, and what it finds: a click that is in
    what was captured was born before us, one that only an encoder was given in us, and one that is in neither after us.
    What is kept lies in memory. Clients' microphones, as they are decoded and as applications record them, are kept only
    with --mic. Sessions and microphones that open later are kept, too.
    """
  static let flags: Set<String> = ["--mic"]
  static let values: Set<String> = ["--seconds", "--last", "--out"]

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 1)
    switch options.words.first {
    case nil: return try make(options)
    case "arm": return try arm(options)
    case "disarm":
      let answer = try options.connect().request("flight.disarm", timeout: .seconds(60))
      let count = answer["stopped"]?.intValue ?? 0
      print(options.asJSON ? answer.text : count == 0 ? "nothing was kept" : "\(count) hops are kept no more")
    case let word?: throw Failure(.usage, "usage", "unknown action \(word): arm, disarm, or nothing for a report")
    }
    return .ok
  }

  private static func arm(_ options: Options) throws -> ExitStatus {
    let seconds = try options.integer("--seconds", in: 1...600) ?? 30
    let answer = try options.connect().request(
      "flight.arm", ["seconds": JSON(seconds), "mic": .bool(options.has("--mic"))], timeout: .seconds(60))
    if options.asJSON {
      print(answer.text)
      return .ok
    }
    let hops = answer["hops"]?.arrayValue ?? []
    let kept = hops.filter { $0["stream"] != nil }.compactMap { $0["hop"]?.stringValue }
    print("the last \(seconds) s are kept of \(kept.isEmpty ? "nothing yet" : kept.joined(separator: ", "))")
    for hop in hops {
      if let trouble = hop["trouble"]?.stringValue {
        print("\(hop["hop"]?.plain ?? ""): \(trouble); it is tried again")
      }
    }
    return .ok
  }

  private static func make(_ options: Options) throws -> ExitStatus {
    let last = try options.number("--last", in: 0.1...86_400)
    let client = try options.connect()
    let flight = try client.request("flight.status")
    let kept = (flight["hops"]?.arrayValue ?? []).filter { $0["stream"] != nil }
    guard !kept.isEmpty else {
      throw Failure(
        .notFound, "not_armed", "nothing is kept: streamctl report arm, then wait for the sound that is wrong")
    }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let folder = options.value("--out") ?? "streamd-report-\(now.tv_sec)"
    guard mkdir(folder, 0o755) == 0 else {
      throw Failure(.refused, "folder", "\(folder): \(String(cString: strerror(errno)))")
    }
    var hops: [ClickTrail.Hop] = []
    var described: [JSON] = []
    for hop in kept {
      do {
        let (heard, facts) = try write(hop, last, folder)
        hops.append(heard)
        described.append(facts)
      } catch let failure as Failure {
        // What has brought no sound yet is no reason to say nothing of the others.
        described.append(["hop": hop["hop"] ?? .null, "trouble": .string(failure.message)])
      }
    }
    let clicks = ClickTrail.follow(hops)
    let report: JSON = [
      "made_at": JSON(now.tv_sec), "hops": .array(described), "clicks": .array(clicks.map { json($0) }),
      "status": try client.request("status"), "graph": try client.request("graph"),
      "stats": .array(kept.compactMap { $0["stats"] }), "events": flight["events"] ?? .null,
    ]
    do throws(DiskError) { try Disk().append(Array((report.text + "\n").utf8), to: folder + "/report.json") } catch {
      throw Failure(.refused, "disk", "\(error)")
    }
    print(options.asJSON ? report.text : text(clicks, described, folder))
    return .ok
  }

  private static func write(_ hop: JSON, _ last: Double?, _ folder: String) throws -> (ClickTrail.Hop, JSON) {
    let name = hop["hop"]?.stringValue ?? ""
    let file = folder + "/" + name.replacing("/", with: "-") + ".wav"
    var failure: RecordingError?
    // The oldest chunk may go while it is being read.
    for _ in 0..<3 {
      do throws(RecordingError) {
        let reader = try RecordingReader(hop["stream"]?["path"]?.stringValue ?? "")
        let span: RecordingReader.Span = last.map { .last(seconds: $0) } ?? .all
        try RecordingExport(reader, span).write(to: file, kind: .wav)
        var (heard, facts) = try look(reader, span, name, file)
        heard.fedBy = (hop["fed_by"]?.arrayValue ?? []).compactMap(\.stringValue)
        return (heard, facts)
      } catch { failure = error }
    }
    throw failure.map { Failure($0) } ?? Failure(.refused, "internal", name)
  }

  private static func look(
    _ reader: RecordingReader, _ span: RecordingReader.Span, _ name: String, _ file: String
  ) throws(RecordingError) -> (ClickTrail.Hop, JSON) {
    let range = try reader.positions(of: span)
    let channels = reader.format.layout.count
    var counters = Array(repeating: ClickCounter(), count: channels)
    try reader.read(range) { (bytes: UnsafeRawBufferPointer) throws(RecordingError) in
      let samples = bytes.bindMemory(to: Float.self)
      for channel in 0..<channels {
        let plane = stride(from: channel, to: samples.count, by: channels).map { samples[$0] }
        plane.withUnsafeBufferPointer { counters[channel].add($0) }
      }
    }
    let times = Set(counters.flatMap(\.places)).sorted().compactMap { reader.wallTime(of: range.lowerBound + $0) }
    // Channels click together.
    var clicks: [Int64] = []
    for time in times where clicks.last.map({ time - $0 > 5_000_000 }) ?? true { clicks.append(time) }
    let gaps = reader.gaps.filter { $0.position + $0.length > range.lowerBound }
    var hop = ClickTrail.Hop(
      name: name, clicks: clicks,
      heard: (reader.wallTime(of: range.lowerBound) ?? 0)..<(reader.wallTime(of: range.upperBound) ?? 0))
    hop.holes = gaps.compactMap { gap in
      guard let begin = reader.wallTime(of: gap.position), let end = reader.wallTime(of: gap.position + gap.length)
      else {
        return nil
      }
      return ClickTrail.Hole(times: begin...max(begin, end), cause: gap.cause.name)
    }
    let facts: JSON = [
      "hop": .string(name), "file": .string(file), "frames": JSON(range.count),
      "seconds": JSON(Double(range.count) / Double(reader.format.rate.hertz)), "clicks": JSON(clicks.count),
      "gaps": .array(
        gaps.map { ["position": JSON($0.position), "frames": JSON($0.length), "cause": .string($0.cause.name)] }),
    ]
    return (hop, facts)
  }

  private static func word(_ verdict: ClickTrail.Verdict) -> String {
    switch verdict {
    case .before: "before us: it is in what came to us"
    case .inside(let hop, let before): "in us: between \(before) and \(hop)"
    case .hole(let cause): "where sound is missing: \(cause)"
    case .unknown: "unknown: what was captured then is not kept"
    }
  }

  private static func json(_ click: ClickTrail.Click) -> JSON {
    ["wall_clock": JSON(click.time), "hop": .string(click.hop), "born": .string(word(click.verdict))]
  }

  private static func text(_ clicks: [ClickTrail.Click], _ hops: [JSON], _ folder: String) -> String {
    var lines = hops.map { hop in
      if let trouble = hop["trouble"]?.stringValue { return "\(hop["hop"]?.plain ?? ""): \(trouble)" }
      return
        "\(hop["file"]?.plain ?? ""): \(fixed(hop["seconds"]?.doubleValue ?? 0, 1)) s, \(hop["clicks"]?.plain ?? "0") clicks, "
        + "\(hop["gaps"]?.arrayValue?.count ?? 0) gaps"
    }
    for click in clicks {
      lines.append("click at \(fixed(Double(click.time) / 1e9, 3)) in \(click.hop): born \(word(click.verdict))")
    }
    if clicks.isEmpty { lines.append("no click in any hop: one that you heard was born after us") }
    return (lines + ["\(folder)/report.json has the daemon's state and the newest events"]).joined(separator: "\n")
  }
}
