import Control

/// What `streamd` was started with.
struct Invocation {
  var configuration: String?
  var checkOnly = false
  var cleanupOnly = false
  var socket: String?
  var remote: String?
  var level: String?
  var backend: String?
  /// A session opened at once, without the socket.
  var destination: String?
  var overrides: [(key: String, value: String)] = []

  enum Outcome {
    case run(Invocation)
    case print(String)
    case misuse(String)
  }

  static let usage = """
    streamd: sends the desktop's sound to network clients

    usage: streamd [options]
      --config FILE      read this configuration (default: the user's, then the system's)
      --check            check the configuration and stop
      --cleanup          put back what a daemon that has ended left changed on the desktop, and stop
      --socket PATH      control socket (default: STREAMD_SOCKET, then streamd/control.sock in XDG_RUNTIME_DIR)
      --remote NAME      PipeWire server: a name, or the path of its socket
      --backend NAME     what the mixer graph runs on: pipewire, alsa, jack or null (default: STREAMD_BACKEND, then the file)
      --log LEVEL        error, warning, info or debug
      --to HOST:PORT     also open one session at once; its SDP is printed
        --sink NAME        the sink to hear (default: the default sink)
        --channels N       1, 2, 6 or 8
        --bitrate N        bits per second
        --frame MS         2.5, 5, 10 or 20
        --latency WORD     low, balanced or relaxed
      --version, --help
    """

  static func parse(_ arguments: [String]) -> Outcome {
    var line = Invocation()
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": return .print(usage)
      case "--version": return .print("streamd \(Daemon.version)")
      case "--check": line.checkOnly = true
      case "--cleanup": line.cleanupOnly = true
      case "--config", "--socket", "--remote", "--backend", "--log", "--to", "--sink", "--channels", "--bitrate",
        "--frame",
        "--latency":
        guard let value = rest.popFirst() else { return .misuse("\(argument) needs a value") }
        line.set(argument, value)
      default: return .misuse("unknown argument \(argument)")
      }
    }
    if line.destination == nil, let first = line.overrides.first {
      return .misuse("--\(first.key) goes with --to")
    }
    return .run(line)
  }

  private mutating func set(_ option: String, _ value: String) {
    switch option {
    case "--config": configuration = value
    case "--socket": socket = value
    case "--remote": remote = value
    case "--log": level = value
    case "--backend": backend = value
    case "--to": destination = value
    default: overrides.append((String(option.dropFirst(2)), value))
    }
  }

  /// The `--to` session in the words of `session.open`, whose checks judge it.
  var sessionArguments: JSONObject? {
    guard let destination else { return nil }
    var arguments: JSONObject = ["to": .string(destination)]
    for (key, value) in overrides {
      switch key {
      case "sink": arguments["target"] = .string("sink:\(value)")
      case "latency": arguments["latency"] = .string(value)
      case "frame": arguments["frame_ms"] = Double(value).map { JSON($0) } ?? .string(value)
      default: arguments[key] = Int(value).map { JSON($0) } ?? .string(value)
      }
    }
    return arguments
  }
}
