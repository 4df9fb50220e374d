import CLinux
import Glibc

/// The shared memory of one ring, in our address space until the last user is gone.
///
/// It cannot shrink: ours is sealed before anybody sees it, and others' is refused unless it is. So no access to it
/// can end in SIGBUS, whatever its other owners do.
final class RingMemory: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  let bytes: Int

  private init(base: UnsafeMutableRawPointer, bytes: Int) {
    self.base = base
    self.bytes = bytes
  }

  deinit { clinux_memory_unmap(base, bytes) }

  /// Makes memory of our own; also its descriptor, for the application. The caller closes that.
  static func make(_ format: RingFormat) throws(RingError) -> (memory: RingMemory, descriptor: Int32) {
    let descriptor = clinux_memory_create("streamd-ring", format.bytes)
    guard descriptor >= 0 else { throw Self.failure(-descriptor) }
    do throws(RingError) {
      return (try map(descriptor, format), descriptor)
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Takes memory that an application made, if it is safe to use. The descriptor stays the caller's.
  static func adopt(_ descriptor: Int32, _ format: RingFormat) throws(RingError) -> RingMemory {
    var facts = clinux_memory_facts()
    let status = clinux_memory_examine(descriptor, &facts)
    guard status == 0 else { throw RingError(.notMemory, errno: status) }
    guard facts.is_memory != 0 else { throw RingError(.notMemory, "it is not memory of memfd_create") }
    guard Int(facts.seals) & Int(CLINUX_SEAL_SHRINK) != 0 else {
      throw RingError(.notSealed, "it is not sealed against shrinking (F_SEAL_SHRINK)")
    }
    guard Int(facts.seals) & Int(CLINUX_SEAL_WRITE) == 0 else {
      throw RingError(.writeSealed, "it is sealed against writing")
    }
    // Sealed first, measured then: it cannot have shrunk in between.
    guard facts.bytes >= Int64(format.bytes) else {
      throw RingError(.tooSmall, "it has \(facts.bytes) bytes, the ring needs \(format.bytes)")
    }
    return try map(descriptor, format)
  }

  private static func map(_ descriptor: Int32, _ format: RingFormat) throws(RingError) -> RingMemory {
    var base: UnsafeMutableRawPointer?
    let status = clinux_memory_map(descriptor, format.bytes, &base)
    guard status == 0, let base else { throw failure(status) }
    RingLayout.write(format, to: base)
    return RingMemory(base: base, bytes: format.bytes)
  }

  private static func failure(_ number: Int32) -> RingError {
    RingError(number == EMFILE || number == ENFILE ? .descriptors : .memory, errno: number)
  }
}
