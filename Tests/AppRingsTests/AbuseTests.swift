import AudioCore
import CAppRing
import CRenderGuard
import Glibc
import Testing

@testable import AppRings

private let shrink: Int32 = 2
private let grow: Int32 = 4
private let futureWrite: Int32 = 16

extension AppRingsTests {
  /// Applications that break every rule: silence with a reason, never a fault, nothing left behind.
  @Suite struct AbuseTests {
    private func refusal(_ bytes: Int, seals: Int32, frames: Int = 1024) throws -> RingError.Code? {
      let memory = cappring_make_memory(bytes, seals)
      try #require(memory >= 0)
      defer { close(memory) }
      return refusal(adopting: memory, frames: frames)
    }

    private func refusal(adopting descriptor: Int32, frames: Int = 1024) -> RingError.Code? {
      do throws(RingError) {
        let format = try RingFormat(.source, channels: 2, capacity: FrameCount(frames))
        let opened = try SharedRing.open(format, bells: RingBells(), adopting: descriptor)
        for copy in opened.descriptors.all { close(copy) }
        return nil
      } catch {
        return error.code
      }
    }

    private static let needed = 4096 + 8 * 1024

    @Test func memoryThatCouldShrinkIsRefused() throws {
      let before = openDescriptors()
      #expect(try refusal(Self.needed, seals: 0) == .notSealed)
      #expect(try refusal(Self.needed, seals: grow | 1) == .notSealed)
      #expect(try refusal(Self.needed - 1, seals: shrink) == .tooSmall)
      #expect(try refusal(0, seals: shrink) == .tooSmall)
      #expect(try refusal(Self.needed, seals: shrink | 8) == .writeSealed)
      #expect(try refusal(Self.needed, seals: shrink | futureWrite) == .writeSealed)
      #expect(try refusal(Self.needed, seals: shrink) == nil)
      #expect(try refusal(Self.needed + 12_345, seals: shrink | grow | 1) == nil)
      #expect(openDescriptors() == before && mappedRings() == 0)
    }

    @Test func whatIsNoMemoryIsRefused() throws {
      var ends: [Int32] = [-1, -1]
      try #require(pipe(&ends) == 0)
      defer { for end in ends { close(end) } }
      let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
      let null = open("/dev/null", O_RDWR | O_CLOEXEC)
      // O_TMPFILE
      let shared = open("/dev/shm", O_RDWR | 0o20_200_000 | O_CLOEXEC, 0o600)
      defer { for descriptor in [file, null, shared] { close(descriptor) } }
      for descriptor in [ends[0], file, null, 999_999, -1] {
        #expect(refusal(adopting: descriptor) == .notMemory, "\(descriptor)")
      }
      // A file of a memory file system, but without seals.
      if shared >= 0 {
        #expect(ftruncate(shared, 1 << 20) == 0)
        #expect(refusal(adopting: shared) == .notSealed)
      }
    }

    /// The attempts end in errors, not in SIGBUS.
    @Test func ourMemoryCannotChangeItsSize() throws {
      let rig = try RingRig(.source, capacity: 1024, high: 64)
      let memory = try #require(rig.descriptors.memory)
      for size in [0, 1, 4095, Self.needed - 1, Self.needed + 1, 1 << 30] {
        #expect(cappring_resize(memory, size) == EPERM, "\(size)")
      }
      #expect(cappring_seal(memory, 8) == EPERM && cappring_seal(memory, futureWrite) == EPERM)
      rig.put(512, ramp)
      #expect(rig.read(64)[0] == (0..<64).map { ramp(0, $0) })
      // What can be done is to take the pages away: they come back empty, and all says that nothing was ever written.
      #expect(cappring_punch(memory, 0, Self.needed) == 0)
      rig.read(64)
      #expect(rig.faults(.backwards) == 1)
      for _ in 0..<10 { #expect(rig.read(64)[0].allSatisfy { $0.isFinite }) }
    }

    /// An application's memory that grows later, or is full of rubbish at first.
    @Test func broughtMemoryWorks() throws {
      let memory = cappring_make_memory(Self.needed, shrink)
      defer { close(memory) }
      var rubbish = [UInt8](repeating: 0xA5, count: Self.needed)
      #expect(pwrite(memory, &rubbish, rubbish.count, 0) == rubbish.count)
      let rig = try RingRig(.source, capacity: 1024, high: 64, adopting: memory)
      #expect(rig.descriptors.memory == nil && rig.facts.fill.value == 0)
      #expect(rig.read(64)[0].allSatisfy { $0 == 0 })
      #expect(cappring_resize(memory, 1 << 20) == 0 && cappring_resize(memory, 0) == EPERM)
      rig.put(512, ramp)
      #expect(rig.read(64)[0] == (0..<64).map { ramp(0, $0) } && rig.facts.faults.isEmpty)
    }

    @Test func positionsThatMakeNoSenseAreSilence() throws {
      let rig = try RingRig(.source, channels: 1, capacity: 1024, high: 64)
      rig.put(1024) { tone($1) }
      var heard = rig.read(512)[0]
      cappring_set_written(&rig.end, 512 + 1025)
      heard += rig.read(512)[0]
      #expect(rig.faults(.beyondCapacity) == 1 && rig.notice.refused == 1)
      #expect(heard.steepest < 0.07 && heard[632...].allSatisfy { $0 == 0 })
      cappring_set_written(&rig.end, 511)
      #expect(rig.read(64)[0].allSatisfy { $0 == 0 })
      #expect(rig.faults(.backwards) == 1)
      // Back to what is true: heard at once, from where it stopped.
      cappring_set_written(&rig.end, 1024)
      let again = rig.read(512)[0]
      #expect(again[120...].enumerated().allSatisfy { $1 == tone(632 + $0) } && again.steepest < 0.07)
      #expect(rig.facts.xruns == 0 && rig.faults(.backwards) == 1)
    }

    /// Positions and headers of all kinds for a long time: sound is finite, and everything is counted.
    @Test func rubbishIsNeverAFault() throws {
      render_guard_reset()
      for seed in 0..<UInt64(isLong ? 200 : 10) {
        var dice = Dice(seed)
        let rig = try RingRig(.source, channels: 1 + Int(seed % 8), capacity: 256, high: 64)
        let bytes = rig.ring.format.bytes
        let memory = UnsafeMutableRawPointer(rig.end.shared!).assumingMemoryBound(to: UInt64.self)
        for _ in 0..<2000 {
          switch Int.random(in: 0..<4, using: &dice) {
          case 0: cappring_set_written(&rig.end, hostilePosition(&dice, near: rig.notice.read))
          case 1: for _ in 0..<16 { memory[Int.random(in: 0..<bytes / 8, using: &dice)] = dice.next() }
          case 2: for word in 0..<64 { memory[word] = dice.next() }
          default:
            rig.put(Int.random(in: 0...200, using: &dice)) { _, _ in Float(bitPattern: UInt32(dice.next() >> 32)) }
          }
          for channel in rig.read(Int.random(in: 1...600, using: &dice)) {
            #expect(channel.allSatisfy { $0.isFinite && abs($0) < 64 })
          }
          _ = rig.facts
        }
        #expect(rig.faults(.beyondCapacity) > 0 && rig.faults(.backwards) > 0 && rig.faults(.notSound) > 0)
      }
      #expect(render_guard_hits() == 0)
      #expect(render_guard_available() == 0 || render_guard_sections() >= 20_000)
    }

    @Test func whatIsNoNumberIsSilence() throws {
      let rig = try RingRig(.source, channels: 2, capacity: 1024, high: 64)
      let bad: [Float] = [.nan, .infinity, 0 - .infinity, .signalingNaN, 1e30, -16.001, Float(bitPattern: 0xFFFF_FFFF)]
      rig.put(512) { channel, frame in
        channel == 1 && frame % 8 < bad.count ? bad[frame % 8] : ramp(channel, frame)
      }
      let heard = rig.read(512)
      #expect(heard[0] == (0..<512).map { ramp(0, $0) })
      #expect(heard[1] == (0..<512).map { $0 % 8 == 7 ? ramp(1, $0) : 0 })
      #expect(rig.faults(.notSound) == 64 * 7 && rig.facts.xruns == 0)
      rig.put(256) { _, _ in 16 }
      #expect(rig.read(256)[0].allSatisfy { $0 == 16 } && rig.faults(.notSound) == 64 * 7)
    }

    /// Format and place are our own copies: what the application writes over them changes nothing.
    @Test func theHeaderIsNeverReadAgain() throws {
      let rig = try RingRig(.source, channels: 2, capacity: 1024, high: 64)
      rig.put(1024, ramp)
      memset(UnsafeMutableRawPointer(rig.end.shared!), 0xFF, 64)
      for period in 0..<8 {
        #expect(rig.read(128)[1] == (128 * period..<128 * (period + 1)).map { ramp(1, $0) })
      }
    }

    @Test(arguments: ["closed", "heart"]) func aWriterThatHasGoneIsSilence(how: String) throws {
      let rig = try RingRig(.source, channels: 1, capacity: 65_536, high: 64)
      rig.put(60_000) { tone($1) }
      var heard: [Float] = []
      if how == "closed" {
        for _ in 0..<4 { heard += rig.read(256)[0] }
        rig.ring.close()
        #expect(streamd_ring_is_closed(&rig.end) != 0 && rig.isRung() && streamd_ring_wait(&rig.end, 0) == -1)
      } else {
        // It wrote far ahead; its heart has beaten once. A second later nobody is there any more.
        while heard.count < 48_000 { heard += rig.read(256)[0] }
        #expect(rig.faults(.vanished) == 0)
        heard += rig.read(256)[0]
      }
      let end = heard.count
      heard += rig.read(256)[0]
      #expect(heard.steepest < 0.07, "\(heard.steepest)")
      #expect(heard[(end + 120)...].allSatisfy { $0 == 0 })
      #expect(rig.read(256)[0].allSatisfy { $0 == 0 } && !rig.facts.isMoving)
      guard how == "heart" else { return }
      #expect(rig.faults(.vanished) == 1)
      // It wakes up: what it left is not heard, what it writes now is.
      rig.put(512) { _, _ in 0.125 }
      #expect(rig.read(256)[0].suffix(100).allSatisfy { $0 == 0.125 })
    }

    /// A process that dies while it writes leaves nothing torn: all that was published is whole.
    @Test func aWriterKilledWhileItWrites() throws {
      for round in 0..<(isLong ? 300 : 15) {
        let rig = try RingRig(.source, channels: 2, capacity: 512, high: 64)
        let writer = cappring_start_writer(&rig.end)
        try #require(writer > 0)
        // For a fade's length after a hole the sound is not as it was written.
        var (soft, checked) = (0, 0)
        func hear() {
          let before = rig.facts.frames
          let block = rig.read(64)
          let taken = rig.facts.frames - before
          for frame in 0..<taken {
            soft -= 1
            guard soft < 0 else { continue }
            let value = Float((before + frame) % 4096) / 8192
            if block[0][frame] != value || block[1][frame] != 0 - value {
              Issue.record("round \(round), frame \(before + frame): \(block[0][frame]) for \(value)")
            }
            checked += 1
          }
          if taken < 64 { soft = 120 }
        }
        let patience = renderNow() + .seconds(20)
        while rig.facts.frames < 2000 + round % 30 * 331, renderNow() < patience { hear() }
        kill(writer, SIGKILL)
        var status: Int32 = 0
        #expect(waitpid(writer, &status, 0) == writer)
        #expect(rig.notice.written - rig.notice.read <= 512)
        for _ in 0..<40 { hear() }
        #expect(rig.facts.frames == Int(rig.notice.written) && rig.facts.fill.value == 0)
        // These periods take no time, so that its heart may seem to have stopped.
        #expect(checked > 0 && rig.facts.faults.allSatisfy { $0.fault == .vanished })
      }
    }

    @Test func aBellThatWouldBlockIsLeftAlone() throws {
      let rig = try RingRig(.source, capacity: 256, high: 64)
      rig.put(256, ramp)
      // Full: one more would block, if it could.
      var full = UInt64.max - 1
      #expect(write(rig.descriptors.space, &full, 8) == 8)
      rig.read(200)
      rig.bells.ringDue()
      #expect(!rig.facts.isTampered)
      #expect(cappring_make_blocking(rig.descriptors.space) == 0)
      rig.put(64, ramp)
      rig.read(64)
      rig.bells.ringDue()
      #expect(rig.facts.isTampered)
    }

    @Test func ringsComeAndGo() throws {
      let (descriptors, maps) = (openDescriptors(), mappedRings())
      for round in 0..<(isLong ? 20_000 : 500) {
        let rig = try RingRig(round % 2 == 0 ? .source : .sink, channels: 1 + round % 8, taken: round % 3 == 0)
        if round % 5 == 0 { rig.ring.close() }
        if round % 2 == 0 { rig.put(100, ramp) }
        rig.read(64)
      }
      #expect(openDescriptors() == descriptors && mappedRings() == maps)
    }

    /// The end of a graph keeps the memory alive, whoever else has let go.
    @Test func theEndOutlivesTheRing() throws {
      let (descriptors, maps) = (openDescriptors(), mappedRings())
      do {
        let format = try RingFormat(.source, channels: 1, capacity: 256)
        var opened: (ring: SharedRing, descriptors: SharedRing.Descriptors)? = try SharedRing.open(
          format, bells: RingBells())
        guard let reader = opened?.ring.takeReader() else {
          Issue.record("no end")
          return
        }
        for descriptor in opened?.descriptors.all ?? [] { close(descriptor) }
        opened?.ring.close()
        opened = nil
        #expect(mappedRings() == maps + 1)
        let plane = UnsafeMutablePointer<Float>.allocate(capacity: 64)
        var planes = plane
        reader.read(into: &planes, frames: 64, now: HostTime(nanoseconds: 1))
        #expect((0..<64).allSatisfy { plane[$0] == 0 })
        plane.deallocate()
      }
      #expect(openDescriptors() == descriptors && mappedRings() == maps)
    }
  }
}
