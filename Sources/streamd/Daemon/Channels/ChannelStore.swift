import Control
import Settings

/// Where the configuration of the duplex channels comes from when the daemon starts: its own, the file that this names, and
/// what was saved since, which stands in the place of both.
@ControlActor
struct ChannelStore {
  /// As the daemon's own configuration has it.
  private let base: Settings.Channels
  private let file: OverlayFile?
  /// What the files say, and what was saved if anything was.
  private(set) var filed: Settings.Channels
  private(set) var saved: Settings.Channels?

  init(_ base: Settings.Channels, file: OverlayFile?) {
    (self.base, self.file, filed) = (base, file, base)
  }

  /// What the next start begins with.
  var next: Settings.Channels { saved ?? filed }

  /// Reads all there is. What is wrong with a file costs only what it says.
  mutating func read() -> [String] {
    var troubles = readFile()
    saved = nil
    guard let file, let text = file.read() else { return troubles }
    do {
      saved = try ChannelDocument.read(try JSON.parse(Array(text.utf8)), onto: base)
    } catch let error as ControlError {
      troubles.append("what was saved in \(file.path) is left out: \(error.message)")
    } catch {
      troubles.append("what was saved in \(file.path) is left out: \(error)")
    }
    return troubles
  }

  private mutating func readFile() -> [String] {
    filed = base
    guard !base.file.isEmpty else { return [] }
    do throws(ControlError) { filed = try ChannelDocument.read(file: base.file, onto: base) } catch {
      return [error.message]
    }
    return []
  }

  mutating func save(_ settings: Settings.Channels) throws(ControlError) {
    guard let file else {
      throw ControlError(
        .unavailable, "there is no place to save it in: set HOME or XDG_STATE_HOME",
        hint: "it holds until the daemon ends")
    }
    try file.write(ChannelDocument.json(settings).text + "\n")
    saved = settings
  }

  /// Takes back what was saved, and reads the files anew.
  mutating func forget() throws(ControlError) -> [String] {
    try file?.remove()
    saved = nil
    return readFile()
  }

  /// Whether the next start begins with these: `files` or `saved` if so, else `changed`.
  func origin(of settings: Settings.Channels) -> String {
    settings == next ? (saved == nil ? "files" : "saved") : "changed"
  }
}
