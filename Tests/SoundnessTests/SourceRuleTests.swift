import TestSupport
import Testing

/// The house rules that a compiler does not know.
@Suite struct SourceRuleTests {
  @Test func filesStayShort() throws {
    let files = try Tree.files(below: ["Sources"], endings: [".swift", ".c", ".cpp", ".h"])
    #expect(files.count > 20, "the tree was not found")
    // A file that ends in a newline has an empty last piece.
    for file in files {
      #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count - 1) lines")
    }
  }

  /// Who may import whom. A new module stands here before it can be built on.
  static let allowedImports: [String: Set<String>] = [
    "AudioCore": ["CLinux"],
    "AudioIO": ["AudioCore", "Wording"],
    "OpusCodec": ["AudioCore", "COpus", "COpusSystem"],
    "Wire": ["AudioCore", "CCryptoSystem"],
    "PipeWireIO": ["AudioIO", "AudioCore", "CPipeWire", "CPipeWireSystem", "CLinux"],
    "AppRings": ["AudioCore", "CLinux"],
    "ALSAIO": ["AudioIO", "AudioCore", "CALSA", "CALSASystem", "CLinux"],
    "JACKIO": ["AudioIO", "AudioCore", "CJACK", "CJACKSystem", "CLinux"],
    "Mixer": ["AppRings", "AudioCore", "CKernels", "CSpeex"],
    "SoundFiles": ["AudioCore", "CSofaSystem", "CSoundFileSystem"],
    "GraphFiles": ["AudioCore", "Mixer", "Control", "Wording"],
    "Capture": ["AudioCore", "AudioIO", "OpusCodec", "Wire", "CLinux"],
    "VirtualMic": ["AudioCore", "AudioIO", "OpusCodec", "Wire", "CLinux"],
    "Wording": [],
    "Control": ["Wording", "CLinux"],
    "Metering": ["AudioCore", "Control"],
    "Headroom": ["Control", "Wording"],
    "PushToTalk": ["AudioCore"],
    "WebAccess": ["Control", "CCryptoSystem"],
    "Web": ["Control", "WebAccess", "CMicroHTTP", "CMicroHTTPSystem", "CLinux"],
    "Settings": ["Wording", "CToml"],
    "Policy": ["AudioCore", "Settings", "Wording"],
    "Leases": [],
    "Recording": ["AudioCore", "CCryptoSystem", "SoundFiles"],
    "Wiring": [
      "AppRings", "AudioCore", "AudioIO", "Capture", "Leases", "Mixer", "OpusCodec", "Recording", "VirtualMic", "Wire",
      "CLinux",
    ],
  ]
  static let everybody: Set<String> = ["Glibc", "Synchronization"]
  /// Where rooms are joined; here only the standing exclusions hold.
  static let programs: Set<String> = ["streamd", "streamctl"]

  @Test func importsFollowTheTable() throws {
    var seen: Set<String> = []
    for file in try Tree.swift() {
      seen.insert(file.module)
      for (index, line) in file.lines.enumerated() {
        guard let module = Self.importedModule(line), !Self.everybody.contains(module) else {
          continue
        }
        let place = "\(file.path):\(index + 1) imports \(module)"
        #expect(!module.hasPrefix("Foundation") && module != "Dispatch", "\(place)")
        if Self.programs.contains(file.module) { continue }
        let allowed = try #require(
          Self.allowedImports[file.module], "module \(file.module) is not in the table of imports")
        #expect(allowed.contains(module), "\(place)")
      }
    }
    #expect(seen.isSuperset(of: ["AudioCore", "PipeWireIO", "Control"]))
  }

  /// `public import struct CLinux.timespec` → `CLinux`.
  static func importedModule(_ line: Substring) -> String? {
    // Looking for the word first is what makes this quick: few lines have it.
    guard line.utf8.count > 6, line.contains("import"),
      line.contains(
        #/^\s*((public|package|internal|fileprivate|private)\s+|@\w+(\([^)]*\))?\s+)*import\s/#)
    else {
      return nil
    }
    let kinds: Set<Substring> = [
      "struct", "class", "enum", "protocol", "typealias", "func", "var", "let",
    ]
    let words = line.split(separator: " ").drop { $0 != "import" }.dropFirst().drop {
      kinds.contains($0)
    }
    return words.first.map { String($0.split(separator: ".")[0]) }
  }

  @Test func importLinesAreUnderstood() {
    #expect(Self.importedModule("import Glibc") == "Glibc")
    #expect(Self.importedModule("  public import struct CLinux.timespec") == "CLinux")
    #expect(
      Self.importedModule("@preconcurrency internal import Foundation // why") == "Foundation")
    #expect(Self.importedModule("@_spi(Test) @testable import Mixer") == "Mixer")
    #expect(Self.importedModule("// import Foundation") == nil)
    #expect(Self.importedModule("let importance = 1") == nil)
  }

  @Test func wordsThatDoNotBelong() throws {
    let files = try Tree.files(
      below: ["Sources", "Tests", "scripts", "packaging"],
      endings: [".swift", ".c", ".cpp", ".h", ".sh", ".service"])
    let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK:"]
    // Places of one machine.
    let places = ["/home" + "/", "/root" + "/", "/Users" + "/", "/work" + "/"]
    for file in files {
      for (index, line) in file.lines.enumerated() {
        for word in unfinished + places {
          #expect(!line.contains(word), "\(file.path):\(index + 1): \(word)")
        }
      }
    }
  }

  /// Recording a microphone is for the client on the command line, which is asked to, for a graph's node that somebody put
  /// there for it, and for a recording that somebody started of it: two places, each of which does it once.
  @Test func theDaemonRecordsNoMicrophoneUnasked() throws {
    let all = try Tree.files(below: ["Sources/streamd", "Sources/Capture"], endings: [".swift"])
    #expect(all.count > 20, "the tree was not found")
    let asked: Set<String> = [
      "Sources/streamd/Wiring/Graph/FarStreams.swift", "Sources/streamd/Wiring/Recording/RecordingSource.swift",
    ]
    #expect(asked.isSubset(of: all.map(\.path)))
    for file in all {
      let places = file.places(of: #/\.capture\(source/#)
      #expect(places.count == (asked.contains(file.path) ? 1 : 0), "\(places)")
    }
  }

  @Test func typesHaveNouns() throws {
    for file in try Tree.swift() {
      let found = file.places(
        of: #/\b(?:struct|class|enum|protocol|actor)\s+\w*(?:Manager|Helper|Utils?|Utilities)\b/#)
      #expect(found.isEmpty, "\(found)")
    }
  }
}
