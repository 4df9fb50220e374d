import AudioCore
import Testing

@testable import VirtualMic

@Suite struct PumpQueueTests {
  let one = TalkerID(1)
  let two = TalkerID(2)

  @Test func theNewestIsDroppedWhenFull() {
    let (queue, sender) = FrameQueue.open()
    for index in 0..<64 { #expect(sender.offer(.opus([1], UInt16(index)), of: one, at: .at(0)) == .taken) }
    for index in 64..<70 { #expect(sender.offer(.opus([1], UInt16(index)), of: one, at: .at(0)) == .full) }
    #expect(queue.count == 64 && queue.dropped == 6)
    #expect(queue.takeAll().map(\.frame.sequence) == Array(0..<64))
    #expect(sender.offer(.opus([1], 70), of: one, at: .at(0)) == .taken)
    #expect(queue.takeAll().map(\.frame.sequence) == [70])
  }

  @Test func aFloodLeavesRoomForOthers() {
    let (queue, sender) = FrameQueue.open()
    for index in 0..<200 { sender.offer(.opus([1], UInt16(index)), of: one, at: .at(0)) }
    for index in 0..<40 {
      #expect((sender.offer(.opus([2], UInt16(index)), of: two, at: .at(0)) == .taken) == (index < 32))
    }
    let taken = queue.takeAll()
    #expect(taken.count == 64)
    // Each keeps the oldest it had, in order.
    #expect(taken.filter { $0.talker == one }.map(\.frame.sequence) == Array(0..<32))
    #expect(taken.filter { $0.talker == two }.map(\.frame.sequence) == Array(0..<32))
    #expect(queue.dropped == 136 + 32 + 8)
  }

  @Test func closesWithTheLastCopyOfTheSender() {
    let (queue, sender) = FrameQueue.open()
    var first: MicSender? = sender
    let ticket = queue.signal.ticket
    withExtendedLifetime(sender) {
      first = nil
      #expect(first == nil && !queue.isFinished && queue.signal.ticket == ticket)
    }
    let other = Self.openAndLetGo(after: { $0.offer(.pause, of: one, at: .at(0)) })
    #expect(!other.isFinished, "a frame is left")
    #expect(other.signal.ticket == 2, "woken by the frame and by the end")
    #expect(other.takeAll().count == 1)
    #expect(other.isFinished)
  }

  static func openAndLetGo(after use: (MicSender) -> Void) -> FrameQueue {
    let (queue, sender) = FrameQueue.open()
    let copies = Array(repeating: sender, count: 5)
    for copy in copies.prefix(1) { use(copy) }
    return queue
  }

  @Test func aClosedQueueSaysSo() {
    let (queue, sender) = FrameQueue.open()
    queue.close()
    #expect(sender.offer(.pause, of: one, at: .at(0)) == .closed)
    #expect(queue.isFinished)
  }

  @Test func offeringWakes() {
    let (queue, sender) = FrameQueue.open()
    let ticket = queue.signal.ticket
    sender.offer(.pause, of: one, at: .at(0))
    #expect(queue.signal.ticket == ticket + 1)
  }
}
