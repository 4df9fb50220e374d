import AudioCore
import Glibc
import TestSupport
import Testing

@testable import streamctl

/// Graphs from the command line, by the program itself.
@Suite struct GraphCommandTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func path(_ name: String) -> String { directory.path + "/" + name }
  private func example(_ name: String) -> String { SourceTree.root + "/examples/graphs/" + name }

  private func graph(_ text: String) throws -> String {
    let file = path("graph.json")
    guard let stream = fopen(file, "w") else { throw SupportError("cannot write") }
    defer { fclose(stream) }
    fputs(text, stream)
    return file
  }

  private func run(_ words: String...) -> Int32 { Program.main(["graph"] + words) }

  @Test func exampleIsRenderedAsItSays() throws {
    let out = path("tone.wav")
    #expect(run("render", example("tone.json"), "--seconds", "1", "--out", out) == 0)
    let wave = try WaveFile(reading: out)
    #expect(wave.rate == 48_000 && wave.channels.map(\.count) == [48_000, 48_000])
    for channel in wave.channels {
      #expect(abs(ToneAnalysis.level(of: 440, in: channel, rate: 48_000) + 6) < 0.01)
    }
  }

  @Test func sameGraphGivesTheSameBytes() throws {
    for name in ["one.wav", "two.wav"] {
      #expect(run("render", example("bed.json"), "--seconds", "2", "--out", path(name), "--encoding", "s24") == 0)
    }
    #expect(try Child.run(["cmp", path("one.wav"), path("two.wav")]).status == 0)
  }

  @Test func statusTellsWhatIsWrong() throws {
    #expect(run("check", example("bed.json")) == 0)
    #expect(run("check", path("missing.json")) == ExitStatus.notFound.rawValue)
    #expect(run("check", try graph("{")) == ExitStatus.refused.rawValue)
    let circle = """
      {"nodes": [{"name": "a", "kind": "gain"}, {"name": "b", "kind": "gain"}],
       "connections": [{"from": "a", "to": "b"}, {"from": "b", "to": "a"}]}
      """
    #expect(run("check", try graph(circle)) == ExitStatus.refused.rawValue)
    #expect(throws: Failure.self) {
      _ = try GraphCheck.run(Options(["check", try graph(circle)], flags: [], values: []))
    }
    #expect(run("render", example("tone.json"), "--out", path("x.wav")) == ExitStatus.usage.rawValue)
    #expect(run("render", example("tone.json"), "--seconds", "1", "--out", path("x.mp3")) == ExitStatus.usage.rawValue)
    #expect(run("render", try graph("{}"), "--seconds", "1", "--out", path("x.wav")) == ExitStatus.refused.rawValue)
    #expect(run("nodes") == 0 && run("nodes", "--json") == 0)
    #expect(run("nod") == ExitStatus.usage.rawValue)
  }

  /// A check writes no file, whatever the graph would.
  @Test func checkTouchesNoFile() throws {
    let target = path("recorded.wav")
    let text = """
      {"nodes": [{"name": "t", "kind": "tone"}, {"name": "s", "kind": "file_sink", "args": {"path": "\(target)"}}],
       "connections": [{"from": "t", "to": "s"}]}
      """
    #expect(run("check", try graph(text)) == 0)
    #expect(access(target, F_OK) != 0)
  }
}
