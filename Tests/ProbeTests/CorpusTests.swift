import Glibc
import Probes
import TestSupport
import Testing

/// Every parser of bytes that anybody may send: on what the fuzzer has found worth keeping, and on damage done to it. The
/// search for more is `make fuzz`.
@Suite struct CorpusTests {
  static let folder = SourceTree.root + "/Tests/Corpora/"
  static let mutations = 200_000

  private func corpus(_ probe: Probe) throws -> [[UInt8]] {
    let files = try Child.run(["find", Self.folder + probe.name, "-type", "f"]).standardOutput
    return try files.split(separator: "\n").sorted().map { path in
      let file = try #require(fopen(String(path), "r"))
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 4096)
      return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }
  }

  private func check(_ probe: Probe, _ input: [UInt8]) -> Probe.Finding {
    // Of its own, so that a sanitizer sees the ends.
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count, alignment: 1)
    defer { room.deallocate() }
    room.copyBytes(from: input)
    return probe.run(UnsafeRawBufferPointer(room))
  }

  @Test(arguments: Probe.all.map(\.name)) func holds(_ name: String) throws {
    let probe = try #require(Probe.all.first { $0.name == name })
    let corpus = try corpus(probe)
    #expect(!corpus.isEmpty)
    var found = (accepted: 0, refused: 0)
    func note(_ input: [UInt8]) {
      switch check(probe, input) {
      case .accepted: found.accepted += 1
      case .refused: found.refused += 1
      case .broken(let what): Issue.record("\(what): \(input)")
      }
    }
    for input in corpus { note(input) }
    // A corpus that shows nothing is none.
    #expect(found.accepted > 0 && found.refused > 0, "\(found)")
    var mutation = Mutation(seed: 2026)
    found = (0, 0)
    let rounds = Self.mutations / Probe.all.count
    for _ in 0..<rounds { note(mutation.input(from: corpus)) }
    // Damage must reach both sides of the parser.
    #expect(found.accepted > rounds / 100 && found.refused > rounds / 100, "\(found)")
  }

  @Test func corporaStaySmall() throws {
    let files = try Child.run(["find", Self.folder, "-type", "f", "-printf", "%s\\n"]).standardOutput
    let sizes = files.split(separator: "\n").compactMap { Int($0) }
    #expect(sizes.count < 200 && sizes.allSatisfy { $0 < 200 }, "\(sizes.count) files")
  }
}
