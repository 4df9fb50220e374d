import AudioCore
import AudioIO
import CLinux
import Glibc
import Synchronization

/// Sees sound cards come and go, by what the kernel puts into a folder, and has them listed anew.
///
/// While somebody observes, a thread of its own sleeps until the folder changes. Where the folder is not there yet, or cannot
/// be watched, it looks every two seconds.
final class CardWatch: DeviceWatch {
  let system = "alsa"
  private let folder: String
  private let read: @Sendable () -> DeviceSnapshot
  private let work = Mutex<(thread: pthread_t, bell: Int32)?>(nil)

  init(folder: String = "/dev/snd", read: @escaping @Sendable () -> DeviceSnapshot) {
    self.folder = folder
    self.read = read
  }

  deinit { observe(nil) }

  func observe(_ seen: (@Sendable (DeviceSnapshot) -> Void)?) {
    work.withLock { work in
      if let running = work {
        _ = eventfd_write(running.bell, 1)
        pthread_join(running.thread, nil)
        close(running.bell)
        work = nil
      }
      guard let seen else { return }
      let bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
      var thread = pthread_t()
      let watcher = Unmanaged.passRetained(Watcher(folder, bell, read, seen))
      guard bell >= 0, pthread_create(&thread, nil, watcherMain, watcher.toOpaque()) == 0 else {
        watcher.release()
        if bell >= 0 { close(bell) }
        return seen(read())
      }
      work = (thread, bell)
    }
  }
}

/// What the thread does.
private final class Watcher {
  private let folder: String
  private let bell: Int32
  private let read: @Sendable () -> DeviceSnapshot
  private let seen: @Sendable (DeviceSnapshot) -> Void
  private var told: DeviceSnapshot?

  /// A card brings several files one after the other, and the rights to them come last.
  private static let settle: Int32 = 150
  private static let glance: Int32 = 2000
  private static let events =
    UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_ATTRIB) | UInt32(IN_DELETE_SELF) | UInt32(IN_ONLYDIR)

  init(
    _ folder: String, _ bell: Int32, _ read: @escaping @Sendable () -> DeviceSnapshot,
    _ seen: @escaping @Sendable (DeviceSnapshot) -> Void
  ) {
    self.folder = folder
    self.bell = bell
    self.read = read
    self.seen = seen
  }

  func run() {
    _ = clinux_thread_setup("streamd-cards", 0)
    let notes = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    defer { if notes >= 0 { close(notes) } }
    var watch: Int32 = -1
    while true {
      // Watched first: what changes while it is read is seen after.
      if watch < 0, notes >= 0 { watch = inotify_add_watch(notes, folder, Self.events) }
      look()
      guard sleep(notes, watch >= 0 ? -1 : Self.glance) else { return }
      // More may follow: it is looked at when nothing has happened for a while.
      var turns = 0
      while isChanged(notes, &watch), turns < 20 {
        turns += 1
        guard sleep(notes, Self.settle) else { return }
      }
    }
  }

  private func look() {
    let now = read()
    guard now != told else { return }
    told = now
    seen(now)
  }

  /// False when it is over.
  private func sleep(_ notes: Int32, _ limit: Int32) -> Bool {
    var waiting = [
      pollfd(fd: bell, events: Int16(POLLIN), revents: 0), pollfd(fd: notes, events: Int16(POLLIN), revents: 0),
    ]
    _ = poll(&waiting, 2, limit)
    return waiting[0].revents == 0
  }

  /// Takes what the kernel has noted; whether there was something.
  private func isChanged(_ notes: Int32, _ watch: inout Int32) -> Bool {
    var isChanged = false
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
      while let base = buffer.baseAddress, case let count = Glibc.read(notes, base, buffer.count), count > 0 {
        isChanged = true
        var place = 0
        while place + MemoryLayout<inotify_event>.size <= count {
          let event = base.loadUnaligned(fromByteOffset: place, as: inotify_event.self)
          place += MemoryLayout<inotify_event>.size + Int(event.len)
          // The folder went with the last card.
          if event.mask & (UInt32(IN_IGNORED) | UInt32(IN_DELETE_SELF)) != 0 { watch = -1 }
        }
      }
    }
    return isChanged
  }
}

private func watcherMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<Watcher>.fromOpaque(raw!).takeRetainedValue().run()
  return nil
}
