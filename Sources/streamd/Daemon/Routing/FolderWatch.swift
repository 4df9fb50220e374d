import Control
import Glibc

/// Says when files in some folders have changed, also in folders that do not exist yet.
///
/// What editors do to save one file comes as one: changes are told when nothing has happened for a tenth of a second.
@ControlActor
final class FolderWatch {
  private let folders: [String]
  private let changed: @ControlActor () -> Void
  private let descriptor: Int32
  private var watch: DescriptorWatch?
  /// By the number of the kernel's watch: a folder of ours, or one that will have it.
  private var watched: [Int32: String] = [:]
  private var settling: LoopTimer?

  static let limit = 16
  private static let settle = Duration.milliseconds(100)
  private static let events =
    UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE) | UInt32(IN_CREATE)
    | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)

  /// `folders` are absolute paths; of more than sixteen the first ones count.
  init(_ folders: [String], changed: @escaping @ControlActor () -> Void) throws(ControlError) {
    self.folders = Array(folders.prefix(Self.limit))
    self.changed = changed
    descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    guard descriptor >= 0 else {
      throw ControlError(.unavailable, "changes of files are not seen: \(String(cString: strerror(errno)))")
    }
    do throws(SystemError) {
      watch = try EventLoop.shared.watch(descriptor, for: .read) { [weak self] _ in self?.read() }
    } catch {
      close(descriptor)
      throw ControlError(.unavailable, "changes of files are not seen: \(error)")
    }
    arm()
  }

  func stop() {
    guard let watch else { return }
    if let settling { EventLoop.shared.cancel(settling) }
    watch.cancel()
    self.watch = nil
    close(descriptor)
  }

  /// Watches each folder, or the nearest above it that there is.
  private func arm() {
    var next: [Int32: String] = [:]
    for folder in folders {
      var path = folder
      while !path.isEmpty {
        let number = inotify_add_watch(descriptor, path, Self.events)
        if number >= 0 {
          if next[number] == nil || path == folder { next[number] = path }
          break
        }
        path = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
      }
    }
    for number in watched.keys where next[number] == nil { inotify_rm_watch(descriptor, number) }
    watched = next
  }

  private func read() {
    var isOurs = false
    var isNews = false
    withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 8) { buffer in
      while let base = buffer.baseAddress {
        let count = Glibc.read(descriptor, base, buffer.count)
        guard count > 0 else { return }
        isNews = true
        var place = 0
        while place + MemoryLayout<inotify_event>.size <= count {
          let event = base.loadUnaligned(fromByteOffset: place, as: inotify_event.self)
          place += MemoryLayout<inotify_event>.size + Int(event.len)
          // Too much at once: what was lost may have been ours.
          let isLost = event.mask & UInt32(IN_Q_OVERFLOW) != 0
          if isLost || watched[event.wd].map(folders.contains) == true { isOurs = true }
        }
      }
    }
    guard isNews else { return }
    if !isOurs {
      let before = Set(watched.values)
      arm()
      guard Set(watched.values) != before else { return }
    }
    if let settling { EventLoop.shared.cancel(settling) }
    settling = EventLoop.shared.schedule(after: Self.settle) { [weak self] in
      guard let self else { return }
      settling = nil
      arm()
      changed()
    }
  }
}
