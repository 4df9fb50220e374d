import AudioCore
import CRenderGuard
import Glibc
import Testing

@testable import AppRings

extension AppRingsTests {
  @Suite struct DirectoryTests {
    private func ring() throws -> SharedRing {
      let opened = try SharedRing.open(try RingFormat(.source, channels: 1, capacity: 64), bells: RingBells())
      for descriptor in opened.descriptors.all { close(descriptor) }
      return opened.ring
    }

    @Test func ringsAreFoundByIdentifierAndName() throws {
      let directory = RingDirectory()
      let (first, second, third) = (try ring(), try ring(), try ring())
      directory.add(first, identifier: "r1", name: "game")
      directory.add(second, identifier: "r2", name: "")
      // A name that looks like another's identifier does not hide it.
      directory.add(third, identifier: "r3", name: "r2")
      #expect(directory.ring("r1") === first && directory.ring("game") === first)
      #expect(directory.ring("r2") === second && directory.ring("r3") === third)
      #expect(directory.ring("") == nil && directory.ring("Game") == nil && directory.ring("r4") == nil)
      directory.remove(second)
      #expect(directory.ring("r2") === third)
      directory.remove(first)
      directory.remove(first)
      #expect(directory.ring("game") == nil && directory.ring("r3") === third)
    }

    /// A ring that its directory no longer has may be played on.
    @Test func aRingThatIsGoneIsLetGo() throws {
      let directory = RingDirectory()
      weak var seen: SharedRing?
      do {
        let ring = try ring()
        seen = ring
        directory.add(ring, identifier: "r1", name: "")
      }
      #expect(seen != nil)
      if let ring = directory.ring("r1") { directory.remove(ring) }
      #expect(seen == nil)
    }

    /// The thread sanitizer cannot see inside a Synchronization.Mutex.
    @Test(.enabled(if: render_guard_available() != 0)) func anyThreadMayAsk() async throws {
      let directory = RingDirectory()
      let rings = try (0..<8).map { _ in try ring() }
      await withTaskGroup(of: Bool.self) { group in
        for (index, ring) in rings.enumerated() {
          group.addTask {
            (0..<2000).allSatisfy { _ in
              directory.add(ring, identifier: "r\(index)", name: "name \(index)")
              let isFound = directory.ring("name \(index)") === ring
              directory.remove(ring)
              return isFound && directory.ring("r\(index)") == nil
            }
          }
        }
        for await isRight in group { #expect(isRight) }
      }
    }
  }
}
