import AudioCore
import Glibc

/// A real receiver: opens a session to itself (or takes a description from a file), decodes, meters, counts.
enum ListenCommand: Command {
  static let name = "listen"
  static let summary = "receive a stream: levels, losses, latency, WAV"
  static let usage = """
    usage: streamctl listen [session options] [--seconds N] [--wav FILE] [--play [--play-to SINK]] [--json]
           streamctl listen --sdp FILE [--bind ADDRESS] …    a stream somebody else opened
    Session options are those of `session open`, without --to. --json prints one object a second, then the summary.
    --expect-test-tone DBFS   fail unless the signal of `streamctl test-tone` arrives intact

           streamctl listen --gamestream [--channels 2|6|8] [--quality normal|high] [--packet-ms 5|10] [--encrypt] …
    A GameStream client: pings, drops the first half second, repairs, decrypts, conceals. Also --coupling layout|partners,
    --surround-params DIGITS, --legacy-ping, and --target, --latency, --name, --bitrate, --gain.
           streamctl listen --gamestream --attach HOST:PORT --ping-payload 16CHARACTERS [--sdp FILE]
                            [--key 32DIGITS --key-id N] [--channels N] [--quality Q] [--packet-ms N] …
    The client of a session that a host opened; FILE holds the lines it printed.

    A bad network, between the socket and the receiver:
    --lose PERCENT [--lose-burst N] [--lose-limit N]   in runs of N; at most N of GameStream's blocks of six
    --reorder PERCENT  --duplicate PERCENT  --jitter MS  --seed N
    """
  static let flags: Set<String> = SessionCommand.flags.union(GameStreamSource.flags).union(["--play"])
  static let values: Set<String> = SessionCommand.values.subtracting(["--to"])
    .union(GameStreamSource.values).union(FaultPlan.values)
    .union(["--seconds", "--wav", "--sdp", "--bind", "--expect-test-tone", "--play-to"])

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 0)
    let seconds = try options.number("--seconds", in: 0.1...1e6)
    let expected = try options.number("--expect-test-tone", in: -120...0)
    let faults = try FaultPlan(options)
    if options.value("--play-to") != nil, !options.has("--play") {
      throw Failure(.usage, "usage", "--play-to says where to play; whether, --play says")
    }
    // Blocked before any thread starts, so that Ctrl-C ends the wait below and the session is closed properly.
    Pause.takeSignals()
    let source = try ListenSource.open(options)
    defer { source.close() }
    let layout = source.layout
    let wav = try options.value("--wav").map { path in (path, try recorder(path, layout)) }
    let player =
      options.has("--play") ? try Player(layout: layout, to: options.value("--play-to"), avoiding: source.device) : nil
    defer { player?.stop() }
    try source.start(wav: wav?.1.take(), sink: player, faults: faults)
    show(source.receiver, for: seconds, options, player)
    source.receiver.stop()
    return try conclude(source.receiver, expected: expected, layout, options)
  }

  private static func recorder(_ path: String, _ layout: ChannelLayout) throws -> WAVHolder {
    do throws(WAVError) {
      return WAVHolder(try WAVWriter(path: path, layout: layout))
    } catch {
      throw Failure(.refused, "wav", "\(path): \(error)")
    }
  }

  /// The live part: until the time is over or the user ends it.
  private static func show(_ receiver: Receiver, for seconds: Double?, _ options: Options, _ player: Player?) {
    var line = MeterLine(options.asJSON ? .plain : Terminal.style)
    let end = seconds.map { renderNow() + HostDuration(nanoseconds: Int64($0 * 1e9)) }
    var due = renderNow() + line.interval
    while end.map({ renderNow() < $0 }) ?? true {
      let until = min(due, end ?? due)
      if Pause.wait(until: until) { break }
      let now = renderNow()
      guard now >= due, let snapshot = receiver.snapshot() else { continue }
      // Shown at the time it was due: a wake-up that is less late than the one before would else miss its turn.
      let shown = due
      due = due + line.interval > now ? due + line.interval : now + line.interval
      if options.asJSON {
        Terminal.write(snapshot.json + "\n")
      } else if let text = line.update(snapshot, at: shown) {
        Terminal.write(text)
      }
    }
    if !options.asJSON { Terminal.write(line.end) }
    if let trouble = player?.trouble { Console.note("streamctl: \(trouble)") }
  }

  private static func conclude(
    _ receiver: Receiver, expected: Double?, _ layout: ChannelLayout, _ options: Options
  ) throws -> ExitStatus {
    guard let summary = receiver.summary() else { return .refused }
    print(options.asJSON ? summary.json : summary.text)
    if let expected {
      let tones = (0..<layout.count).map {
        ExpectedTone(frequency: TestToneCommand.pitches[$0], level: Decibels(expected))
      }
      let faults = summary.faults(expecting: tones)
      guard faults.isEmpty else {
        throw Failure(.degraded, "not_intact", "the signal did not arrive intact: " + faults.joined(separator: "; "))
      }
      if !options.asJSON { print("the signal arrived intact") }
    }
    guard summary.packets > 0 else {
      let why = "; a session has one client, and pings counted from 1 again are taken for copies"
      throw Failure(.timeout, "no_packets", "no packets arrived" + (options.value("--attach") == nil ? "" : why))
    }
    return .ok
  }
}

/// Carries a writer that cannot be copied through optional chains.
final class WAVHolder {
  private var writer: WAVWriter?

  init(_ writer: consuming WAVWriter) { self.writer = consume writer }

  func take() -> WAVWriter? { writer.take() }
}
