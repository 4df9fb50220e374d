import AudioCore
public import Recording

/// Brings recordings in order that a killed process left, on a thread of its own that ends by itself.
public enum RecordingRecovery {
  /// `told` is called for each, on that thread. Thread: control.
  public static func start(
    _ folders: [String], told: @escaping @Sendable (String, Result<CrashScan.Outcome, RecordingError>) -> Void
  ) {
    let thread = try? WorkerThread("streamd-rescue", realTimePriority: 0) {
      for folder in folders {
        do throws(RecordingError) { told(folder, .success(try CrashScan().recover(folder))) } catch {
          told(folder, .failure(error))
        }
      }
    }
    thread?.detach()
  }
}
