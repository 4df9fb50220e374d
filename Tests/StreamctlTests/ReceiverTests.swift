import AudioCore
import Glibc
import Synchronization
import Testing
import VirtualMic
import Wire

@testable import streamctl

/// Counts what a player would get.
final class CountingSink: SoundSink {
  let frames = Mutex(0)
  func receive(_ pcm: UnsafeBufferPointer<Float>, frames count: FrameCount, layout: ChannelLayout) {
    precondition(pcm.count == count.value * layout.count)
    frames.withLock { $0 += count.value }
  }
}

/// A plain sender on loopback.
struct Sender: ~Copyable {
  let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
  let port: UInt16

  init(to port: UInt16) { self.port = port }
  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    withUnsafeBytes(of: &address) { raw in
      _ = sendto(
        descriptor, bytes, bytes.count, 0, raw.baseAddress!.assumingMemoryBound(to: sockaddr.self),
        socklen_t(raw.count))
    }
  }

  static var wallClock: Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}

@Suite struct ReceiverTests {
  /// Waits for something that must happen; gives up after ten seconds so that a broken receiver ends the test.
  static func eventually(_ happened: () -> Bool) -> Bool {
    for _ in 0..<2000 {
      if happened() { return true }
      usleep(5000)
    }
    return happened()
  }

  @Test func soundOverLoopback() throws {
    let receiver = try Receiver(address: "127.0.0.1")
    #expect(receiver.port != 0)
    #expect(receiver.snapshot() == nil && receiver.summary() == nil)
    var stream = SteadyStream(.stereo, captureTime: true)
    let sink = CountingSink()
    try receiver.start(stream.description, sink: sink)
    let sender = Sender(to: receiver.port)
    var encoder = try stream.makeEncoder()
    for index in 0..<300 {
      sender.send(try stream.next(&encoder, capturedAt: NTPTime(unixNanoseconds: Sender.wallClock - 2_000_000)))
      if index == 100 { sender.send([1, 2, 3]) }
      usleep(5000)
    }
    #expect(Self.eventually { receiver.snapshot()?.packets == 300 })
    #expect(Self.eventually { sink.frames.withLock { $0 } >= 299 * 240 })
    let summary = try #require(receiver.summary())
    #expect(summary.network.lost == 0 && summary.malformed == 1)
    #expect(
      abs(summary.channels[0].frequency! - 997) < 1
        && abs(summary.channels[1].frequency! - SteadyStream.frequencies[1]) < 1)
    // The sender says that it captured 2 ms earlier.
    #expect(try #require(summary.latencyP50) >= .milliseconds(2))
    receiver.stop()
    receiver.stop()
    #expect(receiver.summary()?.packets == 300)
  }

  @Test func startsOnce() throws {
    let receiver = try Receiver(address: "127.0.0.1")
    let description = SteadyStream(.mono).description
    try receiver.start(description)
    #expect(throws: ReceiverError.alreadyStarted) { try receiver.start(description) }
    receiver.stop()
  }

  @Test func addressesThatCannotBeBound() throws {
    #expect(throws: ReceiverError.badAddress("nowhere")) { _ = try Receiver(address: "nowhere") }
    let first = try Receiver(address: "127.0.0.1")
    let error = #expect(throws: ReceiverError.self) { _ = try Receiver(address: "127.0.0.1", port: first.port) }
    #expect(error?.code == "listen_socket")
    #expect(error?.message.contains("in use") == true)
    first.stop()
  }

  @Test func sixAddressesWork() throws {
    let receiver = try Receiver(address: "::1")
    #expect(receiver.port != 0)
  }
}
