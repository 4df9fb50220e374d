import Control
import Wording

/// The words after a command: options with and without values, and what remains.
struct Options {
  private var given: [String: String] = [:]
  private var raised: Set<String> = []
  private(set) var words: [String] = []

  init(_ arguments: [String], flags: Set<String>, values: Set<String>) throws {
    let flags = flags.union(["--json"])
    let values = values.union(["--socket"])
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        words += rest
        return
      }
      guard argument.hasPrefix("--") else {
        words.append(argument)
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
      if flags.contains(parts[0]), parts.count == 1 {
        raised.insert(parts[0])
      } else if values.contains(parts[0]) {
        guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
          throw Failure(.usage, "usage", "\(parts[0]) needs a value")
        }
        given[parts[0]] = value
      } else {
        let near = nearestName(to: parts[0], among: flags.union(values)).map { "; did you mean \($0)?" } ?? ""
        throw Failure(.usage, "usage", "unknown option \(parts[0])\(near)")
      }
    }
  }

  var asJSON: Bool { raised.contains("--json") }
  func has(_ flag: String) -> Bool { raised.contains(flag) }
  /// With a value or without one.
  func says(_ name: String) -> Bool { has(name) || given[name] != nil }
  func value(_ name: String) -> String? { given[name] }
  /// Everything that was said, `--json` and `--socket` aside.
  var names: Set<String> { raised.union(given.keys).subtracting(["--json", "--socket"]) }

  func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
    guard let text = given[name] else { return nil }
    guard let value = Double(text), range.contains(value) else {
      throw Failure(.usage, "usage", "\(name) \(text): a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let text = given[name] else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw Failure(.usage, "usage", "\(name) \(text): a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func refuseWords(beyond count: Int) throws {
    guard words.count > count else { return }
    throw Failure(.usage, "usage", "unexpected \"\(words[count])\"")
  }

  func connect() throws -> ControlClient {
    guard let path = socketPath else { throw Self.noSocket }
    return try ControlClient(path: path)
  }

  /// Where the daemon listens.
  var socketPath: String? { given["--socket"] ?? ControlClient.defaultPath }

  static var noSocket: Failure {
    Failure(.notRunning, "not_running", "neither STREAMD_SOCKET nor XDG_RUNTIME_DIR is set; use --socket PATH")
  }
}
