import AudioCore
import CLinux
import Glibc
import Synchronization

/// What JACK's threads tell about a stream: read by control, kept while servers come and go; and the gate between
/// render and supervisor.
struct ServerFacts: ~Copyable {
  let cycles = Atomic<UInt64>(0)
  let xruns = Atomic<UInt64>(0)
  /// The server's period in frames of the stream's rate.
  let quantum = Atomic<Int>(0)
  /// The server's rate.
  let rate = Atomic<Int>(0)
  let streamRate: Int
  let isFreewheeling = Atomic<Bool>(false)
  /// Frames between us and the device, at the server's rate.
  let latency = Atomic<Int>(0)
  /// Since when the server has run without a break, when it moved last, and by how many frames between.
  let ranFrom = Atomic<Int64>(0)
  let ranUntil = Atomic<Int64>(0)
  let ran = Atomic<Int64>(0)

  // Of the client that is open now.
  /// The render client may be called.
  let isOpen = Atomic<Bool>(false)
  /// The process thread is between its question about the gate and its way out.
  let isInside = Atomic<Bool>(false)
  /// The render client has been called since the gate opened.
  let hasMoved = Atomic<Bool>(false)
  /// The next block does not follow the last one.
  let isBroken = Atomic<Bool>(false)
  /// The server has let go of us.
  let isLost = Atomic<Bool>(false)
  /// The process thread; zero until its first cycle.
  let thread = Atomic<UInt>(0)

  /// Wakes the supervisor, which outlives this.
  let news: UnsafeMutablePointer<WakeWord>
  /// The library's mark, for all streams.
  let gone: UnsafeMutablePointer<Atomic<Bool>>

  init(streamRate: SampleRate, news: UnsafeMutablePointer<WakeWord>, gone: UnsafeMutablePointer<Atomic<Bool>>) {
    self.streamRate = streamRate.hertz
    self.news = news
    self.gone = gone
  }

  /// Takes the server's period. Thread: any of the library's.
  @_noLocks
  func takePeriod(_ frames: Int) {
    let rate = self.rate.load(ordering: .relaxed)
    guard rate > 0 else { return }
    quantum.store((frames &* streamRate &+ rate / 2) / rate, ordering: .relaxed)
  }

  /// Before a client is opened. Thread: supervisor.
  func forget() {
    isOpen.store(false, ordering: .relaxed)
    isInside.store(false, ordering: .relaxed)
    hasMoved.store(false, ordering: .relaxed)
    isBroken.store(false, ordering: .relaxed)
    isLost.store(false, ordering: .relaxed)
    isFreewheeling.store(false, ordering: .relaxed)
    latency.store(0, ordering: .relaxed)
    thread.store(0, ordering: .relaxed)
  }

  /// Nil for the first second: a reading is as good as the time it is spread over.
  var clockPPM: Double? {
    let passed = ranUntil.load(ordering: .relaxed) - ranFrom.load(ordering: .relaxed)
    let rate = self.rate.load(ordering: .relaxed)
    guard !isFreewheeling.load(ordering: .relaxed), passed > 1_000_000_000, rate > 0 else { return nil }
    return (Double(ran.load(ordering: .relaxed)) * 1e9 / Double(rate) / Double(passed) - 1) * 1e6
  }

  /// Such as `fifo:10`. Only while the client is open: then the thread lives. Thread: supervisor.
  var scheduling: String {
    var policy: Int32 = 0
    var priority: Int32 = 0
    let thread = self.thread.load(ordering: .relaxed)
    guard thread != 0, clinux_thread_scheduling(thread, &policy, &priority) == 0 else { return "unknown" }
    switch policy {
    case SCHED_FIFO: return "fifo:\(priority)"
    case SCHED_RR: return "rr:\(priority)"
    default: return "other"
    }
  }
}
