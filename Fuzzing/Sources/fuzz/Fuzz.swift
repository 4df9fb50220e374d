import Glibc
import Probes

// One program for all parsers: `PARSER=… fuzz [LIBFUZZER OPTION…] CORPUS`. Without a parser it lists them. The main function is
// libFuzzer's, which calls these two.

/// Written before the first input.
nonisolated(unsafe) private var chosen: Probe?

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutableRawPointer, _ arguments: UnsafeMutableRawPointer) -> CInt {
  let name = getenv("PARSER").map { String(cString: $0) }
  chosen = Probe.all.first { $0.name == name }
  if chosen == nil {
    for probe in Probe.all { print(probe.name) }
    exit(name == nil ? 0 : 2)
  }
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let chosen else { return -1 }
  if case .broken(let what) = chosen.run(UnsafeRawBufferPointer(start: bytes, count: count)) {
    fatalError("\(chosen.name): \(what)")
  }
  return 0
}
