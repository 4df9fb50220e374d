internal import Glibc

/// One of the two sockets between which a door's client stands: bytes in, and bytes that wait to go out.
@ControlActor
final class DoorEnd {
  private let descriptor: Descriptor
  private var watch: DescriptorWatch?
  private var waiting: [UInt8] = []
  private var written = 0
  /// The peer sends nothing more.
  private(set) var isOver = false
  /// The peer takes nothing more either.
  private(set) var isGone = false
  private var hasFinished = false

  init(_ descriptor: consuming Descriptor, _ handler: @escaping @ControlActor (Readiness) -> Void) throws(SystemError) {
    let number = descriptor.number
    self.descriptor = descriptor
    watch = try EventLoop.shared.watch(number, for: [], handler)
  }

  var waitingBytes: Int { waiting.count - written }

  func close() {
    watch?.cancel()
    watch = nil
  }

  // MARK: in

  /// What is there, at most the buffer's length; nil when there is nothing now. Descriptors that come along are closed.
  func receive(into scratch: inout [UInt8]) -> ArraySlice<UInt8>? {
    guard !isOver else { return nil }
    var parcels: [DescriptorParcel] = []
    switch descriptor.receive(into: &scratch, &parcels, limit: DescriptorParcel.limit) {
    case .bytes(let count): return scratch[..<count]
    case .wouldBlock: return nil
    case .end, .failed:
      isOver = true
      return nil
    }
  }

  /// The peer has gone altogether: what it has sent is what there is, so that nothing waits for it.
  func hangUp() {
    isOver = true
    drop()
    // It would be reported again and again.
    close()
  }

  // MARK: out

  func send(_ bytes: [UInt8]) {
    guard !isGone, !hasFinished else { return }
    if written == waiting.count {
      waiting = bytes
      written = 0
    } else {
      waiting += bytes
    }
  }

  func flush() {
    while !isGone, written < waiting.count {
      switch descriptor.send(waiting, from: written) {
      case .bytes(let count): written += count
      case .wouldBlock: return compact()
      case .end, .failed: return drop()
      }
    }
    compact()
  }

  /// Says that nothing more will be said, once.
  func finish() {
    guard !hasFinished, !isGone, waitingBytes == 0 else { return }
    hasFinished = true
    _ = shutdown(descriptor.number, Int32(SHUT_WR))
  }

  private func compact() {
    guard written > 65_536 || written == waiting.count else { return }
    waiting.removeFirst(written)
    written = 0
  }

  private func drop() {
    isGone = true
    waiting = []
    written = 0
  }

  // MARK: interest

  func attend(reading: Bool) {
    var interest: Readiness = []
    if reading, !isOver { interest.insert(.read) }
    if waitingBytes > 0 { interest.insert(.write) }
    do throws(SystemError) { try watch?.change(to: interest) } catch { hangUp() }
  }
}
