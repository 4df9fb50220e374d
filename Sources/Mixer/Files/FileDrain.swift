import AudioCore
import Synchronization

/// Writes what render put into a ring to a file. Thread: one worker; whoever drops it writes the rest.
final class FileDrain: NodeWorker, @unchecked Sendable {
  private let file: any SoundFileWriter
  private var ring: AudioRing.Reader
  private let order: [Int]
  private let frames: UnsafeMutablePointer<Float>
  /// After an error nothing more is written.
  private var hasFailed = false
  private let trouble = Mutex<String?>(nil)
  private static let chunk = 4096

  init(_ file: any SoundFileWriter, ring: consuming AudioRing.Reader) {
    self.file = file
    order = Array(0..<ring.channels)
    frames = .allocate(capacity: Self.chunk * ring.channels)
    self.ring = ring
  }

  deinit {
    while step() {}
    frames.deallocate()
  }

  func takeTrouble() -> String? {
    trouble.withLock { trouble in
      defer { trouble = nil }
      return trouble
    }
  }

  func step() -> Bool {
    let count = min(ring.available.value, Self.chunk)
    guard count > 0, ring.readInterleaved(FrameCount(count), order: order, into: frames) else { return false }
    guard !hasFailed else { return true }
    do throws(SoundFileError) { try file.write(frames, frames: count) } catch {
      hasFailed = true
      let message = error.message
      trouble.withLock { $0 = message }
    }
    return true
  }
}
