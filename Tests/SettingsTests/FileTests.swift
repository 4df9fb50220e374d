import Glibc
import Testing

@testable import Settings

/// Which files are read, and which of them has the last word.
@Suite struct FileTests {
  @Test func noFileGivesTheDefaults() throws {
    let scratch = try Scratch()
    let settings = try Settings.load(environment: environment(scratch))
    #expect(settings == Settings())
    #expect(settings.files.isEmpty)
  }

  @Test func theUsersFileComesBeforeTheAdministrators() throws {
    let scratch = try Scratch()
    let system = try scratch.write("stream.channels = 8", to: "xdg/streamd/config.toml")
    #expect(try Settings.load(environment: environment(scratch)).files == [system])
    let user = try scratch.write("stream.channels = 6", to: "home/.config/streamd/config.toml")
    let settings = try Settings.load(environment: environment(scratch))
    #expect(settings.files == [user])
    #expect(settings.stream.channels == 6)
    var own = environment(scratch)
    own["XDG_CONFIG_HOME"] = "\(scratch.path)/own"
    let named = try scratch.write("stream.channels = 1", to: "own/streamd/config.toml")
    #expect(try Settings.load(environment: own).files == [named])
  }

  @Test func placesFollowTheBaseDirectorySpecification() {
    #expect(Settings.directories([:]) == ["/etc/xdg/streamd"])
    #expect(Settings.directories(["HOME": "/h"]) == ["/h/.config/streamd", "/etc/xdg/streamd"])
    #expect(
      Settings.directories(["HOME": "/h", "XDG_CONFIG_HOME": "relative", "XDG_CONFIG_DIRS": "x:/a:/b"])
        == ["/h/.config/streamd", "/a/streamd", "/b/streamd"])
  }

  @Test func partsOverrideInTheOrderOfTheirNamesAndAppendSessions() throws {
    let scratch = try Scratch()
    let main = try scratch.write(
      "[stream]\nchannels = 2\nbitrate = 64000\n[[session]]\nname = \"a\"\nto = \"a:1\"", to: "c/config.toml")
    let ten = try scratch.write(
      "[stream]\nchannels = 6\n[[session]]\nname = \"b\"\nto = \"b:1\"", to: "c/conf.d/10-x.toml")
    let twenty = try scratch.write("[stream]\nchannels = 8\nvbr = true", to: "c/conf.d/20-x.toml")
    try scratch.write("not toml", to: "c/conf.d/notes.txt")
    try scratch.write("not toml", to: "c/conf.d/.hidden.toml")
    let settings = try Settings.load(explicit: main, environment: [:])
    #expect(settings.files == [main, ten, twenty])
    #expect(settings.stream.channels == 8)
    #expect(settings.stream.bitrate == 64_000)
    #expect(settings.stream.vbr)
    #expect(settings.origin(of: "stream.channels")?.file == twenty)
    #expect(settings.origin(of: "stream.bitrate")?.file == main)
    #expect(settings.sessions.map(\.name) == ["a", "b"])
    // A session inherits what all files say together, not only its own.
    #expect(settings.sessions.allSatisfy { $0.stream.channels == 8 && $0.stream.vbr })
  }

  @Test func aFolderOfPartsIsEnough() throws {
    let scratch = try Scratch()
    let part = try scratch.write("log.level = \"error\"", to: "home/.config/streamd/conf.d/1.toml")
    try scratch.write("log.level = \"debug\"", to: "xdg/streamd/config.toml")
    let settings = try Settings.load(environment: environment(scratch))
    #expect(settings.files == [part])
    #expect(settings.log.level == .error)
  }

  @Test func errorsOfAllFilesAreToldTogether() throws {
    let scratch = try Scratch()
    let main = try scratch.write("[stream]\nchannels = 3", to: "c/config.toml")
    let broken = try scratch.write("x = ", to: "c/conf.d/1.toml")
    let twice = try scratch.write("[[session]]\nname=\"a\"\nto=\"a:1\"", to: "c/conf.d/2.toml")
    let again = try scratch.write("[[session]]\nname=\"a\"\nto=\"b:1\"", to: "c/conf.d/3.toml")
    let errors = problems(main)
    #expect(errors.map(\.code) == [.notAChoice, .syntax, .duplicateName])
    #expect(errors.map(\.file) == [main, broken, again])
    #expect(errors.last?.message.contains("\(twice):2") == true)
  }

  @Test func anExplicitFileHasToExistAndBeReadable() throws {
    let scratch = try Scratch()
    let missing = problems("\(scratch.path)/none.toml")
    #expect(missing.map(\.code) == [.fileMissing])
    #expect(missing.first?.description == "\(scratch.path)/none.toml: no such file")
    #expect(problems("").map(\.code) == [.fileMissing])
    #expect(problems(scratch.path).map(\.code) == [.unreadable])
    let pipe = "\(scratch.path)/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(problems(pipe).map(\.code) == [.unreadable])
    let loop = "\(scratch.path)/loop"
    #expect(symlink(loop, loop) == 0)
    #expect(problems(loop).map(\.code) == [.unreadable])
    #expect(problems("/dev/zero").map(\.code) == [.tooLarge])
    #expect(try Settings.load(explicit: "/dev/null", environment: [:]) == Settings())
  }

  @Test func contentsAreChecked() throws {
    let scratch = try Scratch()
    let large = try scratch.write([UInt8](repeating: 0x0A, count: Settings.fileSizeLimit + 1), to: "large.toml")
    #expect(problems(large).map(\.code) == [.tooLarge])
    let binary = try scratch.write(Array("# ok\n\"".utf8) + [0xC3, 0x28], to: "binary.toml")
    #expect(problems(binary).map(\.code) == [.notUTF8])
    #expect(problems(binary).first.map { [$0.line, $0.column] } == [2, 2])
  }

  @Test func aPartThatIsNoFileIsAnError() throws {
    let scratch = try Scratch()
    let main = try scratch.write("", to: "c/config.toml")
    scratch.makeDirectories(["c", "conf.d", "x.toml"])
    #expect(symlink("nowhere", "\(scratch.path)/c/conf.d/y.toml") == 0)
    #expect(problems(main).map(\.code) == [.unreadable, .unreadable])
  }

  @Test func theNumberOfPartsIsBounded() throws {
    let scratch = try Scratch()
    let main = try scratch.write("", to: "c/config.toml")
    for index in 0..<65 { try scratch.write("", to: "c/conf.d/\(index).toml") }
    #expect(problems(main).map(\.code) == [.tooMany])
  }

  private func environment(_ scratch: Scratch) -> [String: String] {
    ["HOME": "\(scratch.path)/home", "XDG_CONFIG_DIRS": "\(scratch.path)/xdg"]
  }

  private func problems(_ file: String) -> [SettingsError] {
    do throws(SettingsErrors) {
      _ = try Settings.load(explicit: file, environment: [:])
    } catch {
      return error.errors
    }
    return []
  }
}
