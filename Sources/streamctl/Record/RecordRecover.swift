import Control
import Glibc
import Recording

/// Brings in order what a killed daemon or a loss of power left.
enum RecordRecover {
  static func run(_ options: Options) throws -> ExitStatus {
    let scan = CrashScan()
    var folders = options.words.dropFirst().map { $0.hasPrefix("/") ? $0 : WorkingFolder.path + "/" + $0 }
    let areNamed = !folders.isEmpty
    if !areNamed { folders = try found(scan, options) }
    var outcomes: [JSON] = []
    var status = ExitStatus.ok
    var isTold = false
    for folder in folders {
      do throws(RecordingError) {
        let outcome = try scan.recover(folder)
        outcomes.append(json(outcome))
        if !options.asJSON, outcome.isNews || areNamed || !outcome.foreign.isEmpty {
          print(text(outcome))
          isTold = true
        }
      } catch {
        // What is being recorded needs no help; who names it is told.
        if error.code == .inUse, !areNamed { continue }
        isTold = true
        status = error.code == .notFound ? .notFound : .refused
        outcomes.append([
          "path": .string(folder), "error": ["code": .string(error.code.rawValue), "message": .string(error.message)],
        ])
        if !options.asJSON { Console.note("streamctl: \(error)") }
      }
    }
    if options.asJSON {
      print((["recordings": .array(outcomes)] as JSON).text)
    } else if !isTold {
      print("nothing was left")
    }
    return status
  }

  /// In the runtime directory, and in the recordings' folder.
  private static func found(_ scan: CrashScan, _ options: Options) throws -> [String] {
    let variable = { (name: String) in getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let live = variable("XDG_RUNTIME_DIR").map { $0 + "/streamd/recordings" } ?? "/dev/shm/streamd-\(getuid())"
    var folders = scan.left(in: live).map(\.folder)
    for folder in RecordingsFolder.all where !folders.contains(folder) { folders.append(folder) }
    return folders
  }

  private static func json(_ outcome: CrashScan.Outcome) -> JSON {
    [
      "path": .string(outcome.folder), "uri": .string(outcome.uri), "saved_frames": JSON(outcome.savedFrames),
      "sealed_chunks": JSON(outcome.sealedChunks.count), "frames": JSON(outcome.frames), "length": JSON(outcome.length),
      "foreign": JSON(outcome.foreign),
    ]
  }

  private static func text(_ outcome: CrashScan.Outcome) -> String {
    let done =
      outcome.isNews
      ? "\(outcome.savedFrames) frames saved from memory, \(outcome.sealedChunks.count) chunks sealed" : "nothing to do"
    let foreign = outcome.foreign.map { "\n  \($0) is no chunk of it, or broken; left as it is" }.joined()
    return "\(outcome.folder): \(done); \(outcome.frames) frames" + foreign
  }
}

/// Where recordings lie whose place nobody named.
enum RecordingsFolder {
  static var path: String? {
    let variable = { (name: String) in getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let usual = variable("XDG_DATA_HOME") ?? variable("HOME").map { $0 + "/.local/share" }
    return usual.map { $0 + "/streamd/recordings" }
  }

  /// Oldest first, for names begin with the time.
  static var all: [String] {
    guard let path, let names = try? Disk().list(path) else { return [] }
    return names.map { path + "/" + $0 }.filter { access($0 + "/manifest", F_OK) == 0 }
  }

  /// The newest of a stream.
  static func newest(of uri: String) -> String? {
    all.last { (try? RecordingReader($0).uri) == uri }
  }
}
