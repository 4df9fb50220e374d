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
    for folder in folders {
      do throws(RecordingError) {
        let outcome = try scan.recover(folder)
        outcomes.append(json(outcome))
        if !options.asJSON, outcome.isNews || areNamed || !outcome.foreign.isEmpty { print(text(outcome)) }
      } catch {
        // What is being recorded needs no help; who names it is told.
        if error.code == .inUse, !areNamed { continue }
        status = error.code == .notFound ? .notFound : .refused
        outcomes.append([
          "path": .string(folder), "error": ["code": .string(error.code.rawValue), "message": .string(error.message)],
        ])
        if !options.asJSON { Console.note("streamctl: \(error)") }
      }
    }
    if options.asJSON {
      print((["recordings": .array(outcomes)] as JSON).text)
    } else if outcomes.isEmpty {
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
    let usual = variable("XDG_DATA_HOME") ?? variable("HOME").map { $0 + "/.local/share" }
    if let root = usual.map({ $0 + "/streamd/recordings" }), let names = try? Disk().list(root) {
      for name in names where access(root + "/" + name + "/manifest", F_OK) == 0 && !folders.contains(root + "/" + name)
      {
        folders.append(root + "/" + name)
      }
    }
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
