internal import CLinux
internal import Glibc

/// Descriptors on their way through a control connection. Whoever holds the parcel last closes them, so that nothing stays
/// open when a reply is never sent or a request never asks for what came with it.
public final class DescriptorParcel: Sendable {
  public let numbers: [Int32]

  /// As many as one message can carry.
  public static let limit = Int(CLINUX_DESCRIPTORS_AT_ONCE)

  /// Takes over these.
  public init(owning numbers: [Int32]) { self.numbers = numbers }

  deinit { for number in numbers { close(number) } }
}

extension Descriptor {
  /// Reads what is there, at most the buffer's length. Descriptors that come with it are added as long as fewer than
  /// `limit` wait; others are closed.
  func receive(into buffer: inout [UInt8], _ waiting: inout [DescriptorParcel], limit: Int) -> Transfer {
    var numbers = [Int32](repeating: -1, count: max(0, limit - waiting.count))
    var count = numbers.count
    let length = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe numbers.withUnsafeMutableBufferPointer {
        unsafe clinux_receive_descriptors(number, bytes.baseAddress, bytes.count, $0.baseAddress, &count)
      }
    }
    for number in numbers.prefix(count) { waiting.append(DescriptorParcel(owning: [number])) }
    if length > 0 { return .bytes(length) }
    if length == 0 { return .end }
    return length == -Int(EAGAIN) ? .wouldBlock : .failed(Int32(-length))
  }

  /// Writes `bytes` from `start` on, as far as the peer takes them; the first byte carries the descriptors. Never raises
  /// SIGPIPE.
  func send(_ bytes: [UInt8], from start: Int, with parcels: [DescriptorParcel] = []) -> Transfer {
    let numbers = parcels.flatMap(\.numbers)
    let sent = unsafe bytes.withUnsafeBytes { bytes in
      unsafe numbers.withUnsafeBufferPointer {
        unsafe clinux_send_descriptors(
          number, bytes.baseAddress! + start, bytes.count - start, $0.baseAddress, $0.count)
      }
    }
    if sent >= 0 { return .bytes(sent) }
    return sent == -Int(EAGAIN) ? .wouldBlock : .failed(Int32(-sent))
  }
}
