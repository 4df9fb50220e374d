import Control
import Glibc
import Recording
import Wiring

extension Recordings {
  /// What an earlier daemon was recording when it was killed is brought in order, beside everything else.
  func recoverWhatIsLeft() {
    let left = CrashScan().left(in: RecordingPlaces.liveFolder)
    guard !left.isEmpty else { return }
    RecordingRecovery.start(left.map(\.folder)) { folder, result in
      EventLoop.shared.post { [weak self] in self?.told(folder, result) }
    }
  }

  private func told(_ folder: String, _ result: Result<CrashScan.Outcome, RecordingError>) {
    switch result {
    case .success(let outcome):
      tell(
        "recording \(outcome.uri), left by a process that was killed, is whole: \(outcome.frames) frames in \(folder)",
        false)
    case .failure(let error): tell("a recording that was left: \(error)", true)
    }
  }
}
