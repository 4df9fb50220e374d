import CLinux
import Glibc
import OpusCodec
import Synchronization
import TestSupport
import Wire

/// One datagram as it came.
struct RecordedPacket: Sendable {
  var header: RTPHeader
  var payload: [UInt8]
  /// CLOCK_MONOTONIC, stamped by the kernel, in seconds.
  var arrival: Double
}

/// A UDP socket on loopback and a thread that keeps everything that comes.
final class PacketRecorder: Sendable {
  let port: UInt16
  private let descriptor: Int32
  private let packets = Mutex<[RecordedPacket]>([])
  private let malformed = Mutex(0)
  private let ending = Atomic<Bool>(false)
  private let thread: pthread_t

  init() throws(SupportError) {
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_INET, kind, 0)
    self.descriptor = descriptor
    var (on, room): (Int32, Int32) = (1, 4 << 20)
    setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, 4)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, 4)
    var patience = timeval(tv_sec: 0, tv_usec: 50_000)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard descriptor >= 0, bound else { throw SupportError("socket: \(String(cString: strerror(errno)))") }
    port = UInt16(bigEndian: address.sin_port)
    let box = Box()
    var thread = pthread_t()
    pthread_create(&thread, nil, recorderMain, Unmanaged.passRetained(box).toOpaque())
    self.thread = thread
    box.recorder.withLock { [unowned self] in $0 = Unmanaged.passUnretained(self) }
  }

  deinit {
    ending.store(true, ordering: .releasing)
    pthread_join(thread, nil)
    close(descriptor)
  }

  /// Everything since the start, in the order of arrival.
  var recording: Recording { Recording(packets: packets.withLock { $0 }, malformed: malformed.withLock { $0 }) }
  var count: Int { packets.withLock { $0.count } }

  /// Forgets what came so far.
  func restart() { packets.withLock { $0 = [] } }

  /// What came since, to be kept or not by who asks.
  func take() -> [RecordedPacket] {
    packets.withLock { packets in
      defer { packets = [] }
      return packets
    }
  }

  fileprivate func run() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !ending.load(ordering: .acquiring) {
      var (from, fromLength) = (sockaddr_storage(), socklen_t(MemoryLayout<sockaddr_storage>.size))
      var stamp: Int64 = 0
      let length = clinux_receive_stamped(descriptor, &buffer, buffer.count, &stamp, &from, &fromLength)
      guard length > 0 else { continue }
      buffer.withUnsafeBytes { keep(UnsafeRawBufferPointer(rebasing: $0[..<length]), stamp) }
    }
  }

  private func keep(_ bytes: UnsafeRawBufferPointer, _ stamp: Int64) {
    do throws(RTPError) {
      let packet = try RTPParser().parse(bytes)
      let recorded = RecordedPacket(
        header: packet.header, payload: Array(bytes[packet.payload]), arrival: Double(stamp) / 1e9)
      packets.withLock { $0.append(recorded) }
    } catch {
      malformed.withLock { $0 += 1 }
    }
  }
}

private final class Box: Sendable {
  let recorder = Mutex<Unmanaged<PacketRecorder>?>(nil)
}

private func recorderMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let box = Unmanaged<Box>.fromOpaque(raw!).takeRetainedValue()
  var found: Unmanaged<PacketRecorder>?
  while found == nil { found = box.recorder.withLock { $0 } }
  // The owner joins this thread before it goes.
  found!._withUnsafeGuaranteedRef { $0.run() }
  return nil
}
