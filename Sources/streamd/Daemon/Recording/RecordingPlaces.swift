import Control
import Glibc
import Recording

/// Where recordings and their memories lie.
enum RecordingPlaces {
  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
  }

  static func folder(_ configured: String) -> String? {
    if !configured.isEmpty { return configured }
    if let data = variable("XDG_DATA_HOME") { return data + "/streamd/recordings" }
    return variable("HOME").map { $0 + "/.local/share/streamd/recordings" }
  }

  /// A file system in memory: the runtime directory, or the one for shared memory.
  static var liveFolder: String {
    variable("XDG_RUNTIME_DIR").map { $0 + "/streamd/recordings" } ?? "/dev/shm/streamd-\(getuid())"
  }

  /// Where what is kept only for a while goes.
  static var passingFolder: String { liveFolder + "-kept" }

  /// Removes a recording.
  static func forget(_ folder: String) {
    for name in (try? Disk().list(folder)) ?? [] { unlink(folder + "/" + name) }
    rmdir(folder)
  }

  /// Whether a file of the folder can have a second name.
  static func check(name: String, besides folder: String) throws(ControlError) {
    func refusal(_ why: String, _ hint: String? = nil) -> ControlError {
      ControlError(.badArgs, "new_chunk_path: \(why)", path: "new_chunk_path", hint: hint)
    }
    guard name.hasPrefix("/"), let slash = name.lastIndex(of: "/"), !name.hasSuffix("/") else {
      throw refusal("\"\(name)\" is no absolute path of a file")
    }
    let parent = slash == name.startIndex ? "/" : String(name[..<slash])
    guard access(parent, W_OK) == 0 else {
      throw refusal("\(parent): \(String(cString: strerror(errno)))", "a folder that one may write to")
    }
    guard access(name, F_OK) != 0 else { throw refusal("\(name) is there already") }
    guard Disk.isOne(with: folder, parent) else {
      throw refusal("\(parent) is on another disk than \(folder)", "the same file system")
    }
  }

  /// A folder that is not there yet, named after the stream and the time.
  static func fresh(in folder: String?, for uri: String) -> String? {
    guard let folder else { return nil }
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    var stamp = [CChar](repeating: 0, count: 32)
    strftime(&stamp, stamp.count, "%Y%m%d-%H%M%S", &parts)
    let name = uri.split(separator: "://", maxSplits: 1).last.map { String($0) } ?? uri
    let kept = name.unicodeScalars.prefix(64).map { scalar -> Character in
      scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)) ? Character(scalar) : "-"
    }
    let base = folder + "/" + stamp.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } + "-" + String(kept)
    var path = base
    var number = 1
    while access(path, F_OK) == 0 {
      number += 1
      path = base + "-\(number)"
    }
    return path
  }
}
