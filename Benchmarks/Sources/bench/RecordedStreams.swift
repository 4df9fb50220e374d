import AudioCore
import Glibc
import Recording

/// Where a benchmark's recordings lie: on a disk and in memory, gone with it.
final class RecordingGround {
  let disk: String
  let memory: String

  init() throws(BenchError) {
    disk = try Self.folder(in: getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp")
    memory = try Self.folder(in: "/dev/shm")
  }

  private static func folder(in place: String) throws(BenchError) -> String {
    var name = Array("\(place)/streamd-bench-XXXXXX".utf8CString)
    guard let made = mkdtemp(&name) else { throw BenchError("\(place): \(String(cString: strerror(errno)))") }
    return String(cString: made)
  }

  deinit {
    Self.remove(disk)
    Self.remove(memory)
  }

  private static func remove(_ path: String) {
    for name in (try? Disk().list(path)) ?? [] { remove(path + "/" + name) }
    if unlink(path) != 0 { rmdir(path) }
  }

  func terms(_ number: Int, _ format: RecordingFormat, chunkBytes: Int) -> Recording.Terms {
    Recording.Terms(
      uri: "stream://bench/\(number)", device: "bench", format: format,
      chunkBytes: chunkBytes - chunkBytes % format.frameBytes, folder: disk + "/\(number)", liveFolder: memory)
  }
}

/// The least that anybody could do to have a block: its planes copied into memory that goes round, as much of it as ours.
final class BareRings {
  private let streams: Int
  private let capacity: Int
  private let memory: UnsafeMutablePointer<Float>
  private var place = 0

  init(streams: Int, frames capacity: Int) {
    self.streams = streams
    self.capacity = capacity
    memory = .allocate(capacity: streams * 2 * capacity)
    memory.initialize(repeating: 0, count: streams * 2 * capacity)
  }

  deinit { memory.deallocate() }

  /// The same block into each. Its length divides the capacity.
  func take(_ programme: Programme, at offset: Int, frames: Int) {
    for plane in 0..<streams * 2 {
      bareCopy(memory + plane * capacity + place, programme.planar[plane & 1] + offset, frames)
    }
    place = (place + frames) % capacity
  }
}
