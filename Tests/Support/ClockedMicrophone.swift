import Glibc

/// A microphone of a private server whose samples say when they were due: the program in `Tests/ClockedMicrophone`. It is there
/// from when this is made until it is pulled out.
///
/// Thread: any; one at a time.
public final class ClockedMicrophone {
  private let child: Child

  public init(_ server: PrivatePipeWire, name: String) throws(SupportError) {
    child = try server.start([try Self.program.get(), name])
  }

  deinit { pullOut() }

  /// Gone without a word.
  public func pullOut() {
    child.signal(SIGKILL)
    _ = child.wait(timeout: 5)
  }

  /// Built once in a process.
  private static let program: Result<String, SupportError> = {
    do throws(SupportError) {
      let place = try TemporaryDirectory()
      programPlace = place
      atexit { programPlace?.remove() }
      let path = place.path + "/clocked"
      let source = SourceTree.root + "/Tests/ClockedMicrophone/clocked.c"
      let built = try Child.run([
        "sh", "-c", "exec cc -O1 -Wall -o \"$1\" \"$2\" $(pkg-config --cflags --libs libpipewire-0.3) -lm", "sh", path,
        source,
      ])
      guard built.status == 0 else { return .failure(SupportError("clocked: \(built.standardError)")) }
      return .success(path)
    } catch {
      return .failure(error)
    }
  }()
}

/// Where the program lies until the process ends.
nonisolated(unsafe) private var programPlace: TemporaryDirectory?

/// A recording of samples that say when they were due.
public struct ClockedSound {
  /// How far each frame's own number is ahead of its place in the recording, a piece without a gap at a time: the least and the
  /// most.
  public private(set) var pieces: [ClosedRange<Int>] = []
  /// When the first frame that says so was due, in nanoseconds of the monotonic clock, and where it lies.
  public private(set) var first: (place: Int, nanoseconds: Int64)?

  /// `path` has floats of so many channels, silence in gaps. What rises after a gap is left out: 10 ms.
  public init(_ path: String, channels: Int, gaps: [(position: Int, length: Int)], rate: Int = 48_000)
    throws(SupportError)
  {
    let samples = try SoftCard.samples(of: path, format: .float32, channels: channels)[0]
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let end = Int64((Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9) * Double(rate))
    let edge = rate / 100
    var place = 0
    for gap in gaps + [(samples.count, 0)] {
      var found: ClosedRange<Int>?
      for frame in stride(from: place + edge, to: min(gap.position, samples.count) - edge, by: 1) {
        let number = Int((Double(samples[frame]) * 8_388_608).rounded())
        // The number is counted in a circle of three minutes; the recording is younger.
        let ago = (Int(end & 0x7f_ffff) - number) & 0x7f_ffff
        let ahead = Int(end) - ago - frame
        if first == nil { first = (frame, Int64(Double(ahead + frame) * 1e9 / Double(rate))) }
        found = min(found?.lowerBound ?? ahead, ahead)...max(found?.upperBound ?? ahead, ahead)
      }
      if let found { pieces.append(found) }
      place = gap.position + gap.length
    }
  }

  /// How far apart, in frames, the recording's time and the clock ever are.
  public var apart: Int {
    (pieces.map(\.upperBound).max() ?? 0) - (pieces.map(\.lowerBound).min() ?? 0)
  }
}
