import AudioCore
import AudioIO
import Glibc
import Leases
import PipeWireIO
import Wiring

/// `streamd --cleanup`: puts back what a daemon that has ended left changed, and says what it did.
///
/// Exit status 0: nothing of that kind is left; 1: something is, and the ledger keeps it for the next time.
enum Cleanup {
  /// A session manager that is just starting has this long to answer.
  private static let patience = HostDuration.seconds(5)

  static func run(remote: String) -> Int32 {
    do {
      let file = try LeaseFile.standard()
      let apps = try LeaseFile.standard(.passing)
      guard file.exists || apps.exists else {
        print("nothing to undo")
        return 0
      }
      let backend = try PipeWireBackend(remote: remote)
      var found = try undoStaleLeases(
        on: [backend.defaultSink, backend.defaultSource], file: file, timeout: patience)
      found += try undoStaleLeases(on: backend.appStreams, file: apps, timeout: patience)
      for note in found.notes { print(note) }
      if found.others > 0 { print("\(found.others) leases of running processes or other servers stay") }
      guard found.left == 0 else {
        let server = backend.defaultSink.state.configured == .unknown
        complain(
          "\(found.left) changes could not be undone: "
            + (server ? "no PipeWire server with a session manager answers" : "the server did not take the old value")
            + "; \(file.exists ? file.path : apps.path) keeps them")
        return 1
      }
      if found.notes.isEmpty, found.others == 0 { print("nothing to undo") }
      return 0
    } catch {
      complain("\(error)")
      return 1
    }
  }

  private static func complain(_ text: String) {
    let line = "streamd: \(text)\n"
    _ = line.withCString { Glibc.write(2, $0, strlen($0)) }
  }
}
