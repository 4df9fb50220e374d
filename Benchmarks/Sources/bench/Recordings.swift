import AudioCore
import AudioIO
import Glibc
import Recording
import Wiring

/// Sixteen stereo streams recorded at once as the daemon does: a device's thread that calls all of them each cycle, a worker
/// for each that brings it to the disk and seals chunks. In turns with a plain copy of the same bytes.
enum Recordings {
  static let streams = 16
  static let frames = 128
  static let period: Int64 = 128 * 1_000_000_000 / 48_000
  /// A chunk is full every 2.7 seconds.
  static let chunkBytes = 1 << 20
  /// Of streams and threads that begin.
  static let settling: Int64 = 500_000_000

  static func run(seconds: Int) throws(BenchError) {
    let ground = try RecordingGround()
    let device = SharedDevice()
    let format = RecordingFormat(rate: .codec, layout: .stereo, samples: .float32)
    var recorded: [RecordingStream] = []
    for number in 0..<streams {
      do {
        recorded.append(
          try RecordingStream(
            device.source(), ground.terms(number, format, chunkBytes: chunkBytes), told: { _ in }, absence: { _ in },
            over: { _ in }))
      } catch {
        throw BenchError("a recording: \(error)")
      }
    }
    for stream in recorded { stream.begin() }
    let priority = Callbacks.beRealTime()
    let cycles = Int(Int64(seconds) * 1_000_000_000 / period)
    let figures = Figures(cycles: cycles)
    device.play(cycles: cycles, figures)
    let facts = recorded.map(\.recording.facts)
    for stream in recorded { stream.stop() }
    for stream in recorded { stream.join() }
    print(
      "\(streams) stereo streams, f32, cycles of \(frames) frames for \(seconds) s, \(priority), chunks of \(chunkBytes >> 10) KiB "
        + "in \(ground.disk)")
    figures.tell(facts)
  }

  final class Figures {
    var (ours, floor): (Histogram, Histogram)
    var (oursCPU, floorCPU): (Int64, Int64) = (0, 0)
    var (earlyFaults, faults) = (0, 0)
    /// Of all threads but the one that renders, and the wall clock.
    var workersCPU: Int64 = 0
    var wall: Int64 = 0

    init(cycles: Int) { (ours, floor) = (Histogram(room: cycles), Histogram(room: cycles)) }

    func tell(_ facts: [Recording.Facts]) {
      let units = Double(ours.count * streams * frames)
      let (oneFrame, copied) = (Double(oursCPU) / units, Double(floorCPU) / units)
      print(
        "  render a frame: \(fixed(oneFrame, 2)) ns, plain copy \(fixed(copied, 2)) ns, ratio \(fixed(oneFrame / copied, 2))"
      )
      print("  a cycle of all, microseconds: \(ours.line(period))")
      print("  plain copies of the same:     \(floor.line(period))")
      print("  page faults of the thread while it renders: \(earlyFaults) in the first half second, then \(faults)")
      let share = { (time: Int64) in fixed(100 * Double(time) / Double(self.wall), 2) }
      print("  of one core: render \(share(oursCPU)) %, disk threads \(share(workersCPU)) %")
      let bytes = facts.reduce(0) { $0 + $1.savedBytes }
      let rate = Double(bytes) / Double(wall) * 1000
      print(
        "  to the disk: \(fixed(rate, 2)) MB/s, \(facts.reduce(0) { $0 + $1.chunks }) chunks sealed; frames lost: "
          + "\(facts.reduce(0) { $0 + $1.droppedFrames }), gaps \(facts.reduce(0) { $0 + $1.gaps })")
    }
  }
}

/// A device that several record, in cycles of real time.
private final class SharedDevice {
  private var clients: [RecorderClient] = []
  private let programme = Programme(.stereo)
  private let channels = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)

  deinit { channels.deallocate() }

  func source() -> Source { Source(self) }

  final class Source: RecordingSource {
    let format = StreamFormat(rate: .codec, layout: .stereo)
    private let device: SharedDevice
    init(_ device: SharedDevice) { self.device = device }
    func start(
      _ client: RecorderClient, absence: @escaping @Sendable (BackendError?) -> Void
    ) throws(BackendError) { device.clients.append(client) }
    func stop() {}
    var report: StreamReport { StreamReport() }
  }

  func play(cycles: Int, _ figures: Recordings.Figures) {
    let rings = BareRings(streams: clients.count, frames: 1 << 18)
    let begin = Callbacks.now()
    var due = begin
    let before = (all: clock(CLOCK_PROCESS_CPUTIME_ID), own: clock(CLOCK_THREAD_CPUTIME_ID))
    for turn in 0..<cycles {
      due += Recordings.period
      Callbacks.sleep(until: due)
      let position = turn * Recordings.frames
      if turn % 2 == 1 { copy(rings, position, figures) }
      let faults = faults
      let start = (cpu: clock(CLOCK_THREAD_CPUTIME_ID), wall: Callbacks.now())
      render(position, time: due)
      figures.ours.add(Callbacks.now() - start.wall)
      figures.oursCPU += clock(CLOCK_THREAD_CPUTIME_ID) - start.cpu
      let news = self.faults - faults
      if due - begin < Recordings.settling { figures.earlyFaults += news } else { figures.faults += news }
      if turn % 2 == 0 { copy(rings, position, figures) }
    }
    figures.wall = Callbacks.now() - begin
    figures.workersCPU =
      clock(CLOCK_PROCESS_CPUTIME_ID) - before.all - (clock(CLOCK_THREAD_CPUTIME_ID) - before.own)
  }

  private func copy(_ rings: BareRings, _ position: Int, _ figures: Recordings.Figures) {
    let start = (cpu: clock(CLOCK_THREAD_CPUTIME_ID), wall: Callbacks.now())
    rings.take(programme, at: position % Programme.frames, frames: Recordings.frames)
    figures.floor.add(Callbacks.now() - start.wall)
    figures.floorCPU += clock(CLOCK_THREAD_CPUTIME_ID) - start.cpu
  }

  private func render(_ position: Int, time: Int64) {
    let offset = position % Programme.frames
    let frames = Recordings.frames
    for channel in 0..<2 { (channels + channel).initialize(to: programme.planar[channel] + offset) }
    let cycle = Cycle(
      frames: frames, time: HostTime(nanoseconds: time), position: Int64(position), quantum: frames, layout: .stereo,
      flags: .none, input: Block(channels: channels, channelCount: 2, frames: frames),
      output: Block(channels: channels, channelCount: 0, frames: frames))
    for client in clients { renderDispatch(Unmanaged.passUnretained(client), cycle) }
  }

  private var faults: Int {
    var usage = rusage()
    getrusage(1, &usage)
    return usage.ru_minflt + usage.ru_majflt
  }

  private func clock(_ kind: clockid_t) -> Int64 {
    var value = timespec()
    clock_gettime(kind, &value)
    return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
  }
}
