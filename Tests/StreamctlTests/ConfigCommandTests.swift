import Control
import Glibc
import Settings
import TestSupport
import Testing

@testable import streamctl

/// Files checked where no daemon is.
@Suite struct ConfigCommandTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func file(_ name: String, _ text: String) throws -> String {
    let path = directory.path + "/" + name
    guard let stream = fopen(path, "w") else { throw SupportError("cannot write \(path)") }
    defer { fclose(stream) }
    fputs(text, stream)
    return path
  }

  private func run(_ words: String...) -> Int32 { Program.main(["config"] + words) }

  private func finding(_ path: String) throws -> ConfigCheck.Finding {
    try #require(ConfigCheck.check([path], as: nil).first)
  }

  @Test func goodFilesAreGood() throws {
    _ = try file("late.toml", "description = \"after ten\"\n")
    let profile = try file("quiet.toml", "extends = \"late\"\n[limiter]\nceiling_dbtp = -9\n")
    let settings = try file("streamd.toml", "config_version = 1\n[capture]\nlatency = \"low\"\n")
    #expect(run("check", profile, settings) == 0)
    #expect(run("check", "--json", profile) == 0)
    #expect(try finding(profile).kind == .profile)
    #expect(try finding(settings).kind == .settings)
    #expect(run("check", SourceTree.root + "/docs/streamd.toml.example") == 0)
    #expect(run("check", SourceTree.root + "/profiles/default.toml", SourceTree.root + "/profiles/night.toml") == 0)
    #expect(try finding(SourceTree.root + "/docs/streamd.toml.example").kind == .settings)
    #expect(try finding(SourceTree.root + "/profiles/gaming.toml").kind == .profile)
  }

  @Test func everyMistakeHasItsPlace() throws {
    let path = try file(
      "bad.toml", "name = \"bad\"\n[limiter]\ncieling_dbtp = -1\nhold_ms = \"long\"\n[agc]\ntarget_lufs = 40\n")
    #expect(run("check", path) == 2)
    let found = try finding(path)
    #expect(found.kind == .profile && found.errors.count == 3)
    #expect(found.errors.map(\.line).sorted() == [3, 4, 6])
    let typo = try #require(found.errors.first { $0.code == .unknownKey })
    #expect(typo.description.hasPrefix("\(path):3:1: ") && typo.description.contains("ceiling_dbtp"))
    let settings = try file("set.toml", "[capture]\nlatncy = \"low\"\n[stream]\nchannels = 3\n")
    #expect(run("check", settings) == 2)
    let errors = try finding(settings)
    #expect(errors.kind == .settings && errors.errors.map(\.line) == [2, 4])
    #expect(errors.lines.first?.contains("latency") == true)
    // Said to be the other.
    #expect(run("check", "--settings", path) == 2 && run("check", "--profile", settings) == 2)
  }

  @Test func whatOnlyShowsBesideOtherFiles() throws {
    _ = try file("night.toml", "description = \"low\"\n")
    let lost = try file("lost.toml", "extends = \"nihgt\"\n")
    let one = try file("one.toml", "extends = \"two\"\n")
    _ = try file("two.toml", "extends = \"one\"\n")
    #expect(try finding(lost).errors.map(\.code) == [.notFound])
    #expect(try finding(lost).errors.first?.hint == "\"night\"")
    #expect(try finding(one).errors.map(\.code) == [.cycle])
    let clash = try file("other.toml", "name = \"lost\"\n")
    #expect(try finding(clash).errors.map(\.code) == [.duplicateName])
    let chain = try file("chain.toml", "chain = \"vioce\"\n")
    #expect(try finding(chain).errors.count == 1)
  }

  @Test func whatCannotBeRead() throws {
    #expect(run("check", directory.path + "/nowhere.toml") == 2)
    #expect(run("check", directory.path) == 2)
    let broken = try file("broken.toml", "[agc\n")
    #expect(try finding(broken).errors.map(\.code) == [.syntax])
    let huge = try file("huge.toml", String(repeating: "# a line that says nothing\n", count: 400_000))
    #expect(try finding(huge).errors.map(\.code) == [.tooLarge])
    #expect(run("chek", huge) == ExitStatus.usage.rawValue && run() == ExitStatus.usage.rawValue)
  }

  @Test func showAndDiffNeedADaemon() throws {
    let socket = directory.path + "/none.sock"
    #expect(run("show", "--origin", "--socket", socket) == ExitStatus.notRunning.rawValue)
    #expect(run("diff", "night", "--socket", socket) == ExitStatus.notRunning.rawValue)
    #expect(run("diff", "--socket", socket) == ExitStatus.usage.rawValue)
  }
}
