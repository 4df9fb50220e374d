import AudioCore
import Synchronization

/// Where everything stands: `include/streamd_ring.h` in Swift.
enum RingLayout {
  static let magic: UInt64 = 0x5264_6d61_6572_7473
  static let version: UInt32 = 1
  static let writerLine = 128
  static let readerLine = 256
  static let noticeLine = 384
  /// A page of its own.
  static let dataOffset = 4096

  /// The part that never changes. Never read again: whoever shares the memory may overwrite it.
  static func write(_ format: RingFormat, to base: UnsafeMutableRawPointer) {
    base.initializeMemory(as: UInt8.self, repeating: 0, count: dataOffset)
    base.storeBytes(of: magic, as: UInt64.self)
    let words = [
      version, format.direction == .source ? 1 : 2, UInt32(format.channels), UInt32(format.rate.hertz),
      UInt32(format.capacity.value), UInt32(format.low.value), UInt32(format.high.value),
    ]
    for (index, word) in words.enumerated() { base.storeBytes(of: word, toByteOffset: 8 + 4 * index, as: UInt32.self) }
    base.storeBytes(of: UInt64(dataOffset), toByteOffset: 40, as: UInt64.self)
    base.storeBytes(of: UInt64(format.bytes), toByteOffset: 48, as: UInt64.self)
    (base + writerLine).initializeMemory(as: EndLine.self, to: EndLine())
    (base + readerLine).initializeMemory(as: EndLine.self, to: EndLine())
    (base + noticeLine).initializeMemory(as: NoticeLine.self, to: NoticeLine())
  }
}

/// What one end says. That of the other side is hostile input.
struct EndLine: ~Copyable {
  let position = Atomic<UInt64>(0)
  let time = Atomic<Int64>(0)
  let beat = Atomic<UInt64>(0)
  let waits = Atomic<UInt32>(1)
}

/// What we tell the application. Never read by us.
struct NoticeLine: ~Copyable {
  let state = Atomic<UInt32>(0)
  let period = Atomic<UInt32>(0)
  let xruns = Atomic<UInt64>(0)
  let lost = Atomic<UInt64>(0)
  let refused = Atomic<UInt64>(0)

  enum State {
    static var idle: UInt32 { @_noLocks get { 0 } }
    static var running: UInt32 { @_noLocks get { 1 } }
    static var closed: UInt32 { @_noLocks get { 2 } }
  }
}
