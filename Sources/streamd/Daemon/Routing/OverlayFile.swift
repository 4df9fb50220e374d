import Control
import Glibc
import WebAccess

/// What the user has set, on disk: replaced as a whole, so that it is always the old text or the new one.
struct OverlayFile {
  let path: String

  private static let longest = 1 << 20

  /// In the user's state directory; nil where there is none.
  static func standard(_ name: String = "overrides") -> OverlayFile? {
    (try? StateFolder.standard()).map { OverlayFile(path: $0 + "/" + name) }
  }

  /// Nil when there is none, or it cannot be read.
  func read() -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= Self.longest {
      let count = Glibc.read(descriptor, &piece, piece.count)
      guard count > 0 else { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// It need not be there.
  func remove() throws(ControlError) {
    do throws(AccessError) { try StateFolder.remove(path) } catch { throw ControlError(.unavailable, error.message) }
  }

  /// Returns once it is on disk.
  func write(_ text: String) throws(ControlError) {
    do throws(AccessError) { try StateFolder.replace(path, with: Array(text.utf8)) } catch {
      throw ControlError(
        .unavailable, "what was set could not be kept in \(path): \(error.message)",
        hint: "it holds until the daemon ends")
    }
  }
}
