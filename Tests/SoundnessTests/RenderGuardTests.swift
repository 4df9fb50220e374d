import AudioCore
import CRenderGuard
import Glibc
import Testing

/// The compiler leaves out what is freed unused.
@_optimize(none) private func block() -> UnsafeMutableRawPointer? { malloc(16) }

private final class CleanClient: RenderClient, @unchecked Sendable {
  override func render(_ cycle: Cycle) { cycle.output.silence() }
}

private final class AllocatingClient: RenderClient, @unchecked Sendable {
  var kept: [Int] = []
  override func render(_ cycle: Cycle) {
    for number in 0..<256 { kept.append(number) }
  }
}

private final class LockingClient: RenderClient, @unchecked Sendable {
  let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  override init() {
    super.init()
    pthread_mutex_init(mutex, nil)
  }
  deinit { mutex.deallocate() }
  override func render(_ cycle: Cycle) {
    pthread_mutex_lock(mutex)
    pthread_mutex_unlock(mutex)
  }
}

private final class SleepingClient: RenderClient, @unchecked Sendable {
  override func render(_ cycle: Cycle) { usleep(1) }
}

/// The guard that other tests rely on: it must catch what it is for, and nothing else.
@Suite(.serialized, .enabled(if: render_guard_available() != 0)) struct RenderGuardTests {
  /// Runs one client for some cycles; hits of each kind and the sections that ran.
  private func hits(of client: RenderClient, cycles: Int = 3) -> (kinds: [UInt64], sections: UInt64) {
    let plane = UnsafeMutablePointer<Float>.allocate(capacity: 64)
    let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 1)
    planes.initialize(to: plane)
    defer {
      planes.deallocate()
      plane.deallocate()
    }
    let block = Block(channels: planes, channelCount: 1, frames: 64)
    let cycle = Cycle(
      frames: 64, time: HostTime(nanoseconds: 0), position: 0, quantum: 64, layout: .mono,
      flags: [], input: block,
      output: block)
    let unmanaged = Unmanaged.passUnretained(client)
    let sections = render_guard_sections()
    // Other suites render at the same time and must not be blamed for this client.
    render_guard_count_apart(1)
    for _ in 0..<cycles { renderDispatch(unmanaged, cycle) }
    let kinds = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    return (kinds, render_guard_sections() - sections)
  }

  @Test func cleanClientPasses() {
    let (kinds, sections) = hits(of: CleanClient(), cycles: 100)
    #expect(kinds == [0, 0, 0, 0])
    #expect(sections >= 100)
  }

  @Test func allocationIsCaught() {
    let (kinds, sections) = hits(of: AllocatingClient())
    #expect(kinds[0] > 0)
    #expect(sections >= 3)
  }

  @Test func lockIsCaught() {
    #expect(hits(of: LockingClient()).kinds[2] >= 3)
  }

  @Test func sleepIsCaught() {
    #expect(hits(of: SleepingClient()).kinds[3] >= 3)
  }

  @Test func countsAreOfTheWholeProcessUntilReset() async {
    await #expect(processExitsWith: .success) {
      free(block())
      precondition(render_guard_hits() == 0, "counted outside a section")
      streamd_render_guard_enter()
      let memory = block()
      streamd_render_guard_exit()
      free(memory)
      precondition(
        render_guard_hits() == 1 && render_guard_hits_of(0) == 1 && render_guard_sections() == 1)
      render_guard_reset()
      precondition(render_guard_hits() == 0 && render_guard_sections() == 0)
    }
  }

  @Test func abortingGuardEndsTheProcess() async {
    await #expect(processExitsWith: .signal(SIGABRT)) {
      render_guard_abort_on_hit(1)
      streamd_render_guard_enter()
      free(block())
      streamd_render_guard_exit()
    }
  }
}
