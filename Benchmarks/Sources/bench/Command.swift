import Glibc

/// What the command line asked for.
private struct Options {
  var check = false
  var json = false
  var rounds = 9
  var only: String?
  /// Seconds for each chain.
  var callbacks: Int?
  /// Seconds of recording.
  var recordings: Int?
  var thresholds = Thresholds.standardPath

  static let usage = """
    usage: bench [--check] [--json] [--only PREFIX] [--rounds N] [--thresholds FILE]
      --check    exit 1 when a ratio exceeds its threshold
      --json     one JSON object a line instead of the table
      --only     cases whose name starts so: path/ ring/ reframer/ handoff/ renderer/ gamestream/ resampler/ graph/ dsp/
                   recording/ peers/
      --rounds   at least 9
      --callbacks SECONDS
                 instead, the worst callback of whole chains, so many seconds for each
      --recordings SECONDS
                 instead, 16 stereo streams recorded at once for so long: processor, disk, page faults

    """

  init(_ arguments: [String]) throws(BenchError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--check": check = true
      case "--json": json = true
      case "--only": only = try Self.value(argument, &rest)
      case "--thresholds": thresholds = try Self.value(argument, &rest)
      case "--callbacks":
        guard let seconds = Int(try Self.value(argument, &rest)), (1...3600).contains(seconds) else {
          throw BenchError("--callbacks: 1 to 3600 seconds")
        }
        callbacks = seconds
      case "--recordings":
        guard let seconds = Int(try Self.value(argument, &rest)), (2...3600).contains(seconds) else {
          throw BenchError("--recordings: 2 to 3600 seconds")
        }
        recordings = seconds
      case "--rounds":
        guard let count = Int(try Self.value(argument, &rest)), (9...1000).contains(count) else {
          throw BenchError("--rounds: 9 to 1000")
        }
        rounds = count
      default: throw BenchError("unknown argument \(argument)")
      }
    }
  }

  private static func value(_ name: String, _ rest: inout ArraySlice<String>) throws(BenchError) -> String {
    guard let value = rest.popFirst() else { throw BenchError("\(name) needs a value") }
    return value
  }
}

/// 0 when all is well, 1 when a check failed, 2 for a wrong command line.
func runBenchmarks(_ arguments: [String]) -> Int32 {
  if arguments.contains("--help") {
    print(Options.usage, terminator: "")
    return 0
  }
  do {
    let options = try Options(arguments)
    if let seconds = options.callbacks {
      try Callbacks.run(seconds: seconds)
      return 0
    }
    if let seconds = options.recordings {
      try Recordings.run(seconds: seconds)
      return 0
    }
    return try run(options, Report(limits: Thresholds(path: options.thresholds).limits))
  } catch {
    complain("bench: \(error.message)\n\(Options.usage)")
    return 2
  }
}

/// Each group makes its fixtures when its turn comes, so that they do not lie in memory beside the others.
private let groups: [(prefix: String, make: @Sendable () throws(BenchError) -> [Case])] = [
  ("path/", wholePathCases), ("ring/", ringCases), ("reframer/", reframerCases), ("handoff/", handoffCases),
  ("renderer/", rendererCases), ("gamestream/", gameStreamCases), ("resampler/", resamplerCases),
  ("graph/", graphCases), ("dsp/", dspCases), ("recording/", recordingCases),
  ("peers/", peerCases),
]

private func run(_ options: Options, _ report: Report) throws(BenchError) -> Int32 {
  if !options.json { print(Report.header) }
  var slow: [String] = []
  var unknown = Set(report.limits.keys)
  var measured = 0
  for group in groups where options.only.map({ $0.hasPrefix(group.prefix) || group.prefix.hasPrefix($0) }) ?? true {
    for item in try group.make() where options.only.map(item.name.hasPrefix) ?? true {
      let result = measure(item, options, report)
      print(options.json ? report.json(result) : report.row(result))
      fflush(nil)
      if report.exceeds(result) { slow.append(item.name) }
      unknown.remove(item.name)
      measured += 1
    }
  }
  guard measured > 0 else { throw BenchError("no case is named \(options.only ?? "so")") }
  // A threshold nobody is held to would look like a check.
  if options.only == nil, !unknown.isEmpty {
    throw BenchError("thresholds without a case: \(unknown.sorted().joined(separator: " "))")
  }
  guard options.check, !slow.isEmpty else { return 0 }
  complain("bench: above the threshold: \(slow.joined(separator: " "))\n")
  return 1
}

/// A case that fails a check gets two more chances: load of others on the machine is no regression of ours.
private func measure(_ item: Case, _ options: Options, _ report: Report) -> Measurement {
  var best = item.measure(rounds: options.rounds)
  var chances = options.check ? 2 : 0
  while chances > 0, report.exceeds(best) {
    chances -= 1
    let again = item.measure(rounds: options.rounds)
    if again.ratio < best.ratio { best = again }
  }
  return best
}

func complain(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
