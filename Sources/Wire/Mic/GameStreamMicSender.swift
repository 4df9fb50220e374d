/// The sending half of GameStream's microphone, for the command line and for tests.
/// Thread: any one at a time.
public struct GameStreamMicSender: ~Copyable {
  public enum Padding: Hashable, Sendable, CaseIterable {
    /// The cipher's own.
    case single
    /// To whole blocks first, as the native clients do.
    case double
  }

  private let encryptor: GameStreamCipher.Encryptor?
  private let form: GameStreamMicHeader.Form
  private let padding: Padding
  public private(set) var sequence: UInt16

  /// Without a key payloads leave as they are.
  public init(
    key: GameStreamKey?, keyID: Int32 = 0, form: GameStreamMicHeader.Form = .plain, padding: Padding = .single,
    sequence: UInt16 = 0
  ) throws(GameStreamCipherError) {
    if let key {
      encryptor = try GameStreamCipher.Encryptor(key: key, keyID: keyID)
    } else {
      encryptor = nil
    }
    self.form = form
    self.padding = padding
    self.sequence = sequence
  }

  /// The next datagram.
  public mutating func send(_ opus: [UInt8], milliseconds: UInt32) throws(MicPacketError) -> [UInt8] {
    var plain = opus
    let block = GameStreamCipher.blockLength
    if encryptor != nil, padding == .double, plain.count % block != 0 {
      let missing = block - plain.count % block
      plain += [UInt8](repeating: UInt8(missing), count: missing)
    }
    let payload = encryptor == nil ? plain.count : GameStreamCipher.encryptedLength(of: plain.count)
    let total = form.length + payload
    guard total <= MicLimits.datagram, !opus.isEmpty else { throw .cannotSend }
    var datagram = [UInt8](repeating: 0, count: total)
    let header = GameStreamMicHeader(form: form, sequence: sequence, milliseconds: milliseconds)
    let sealed = datagram.withUnsafeMutableBytes { room -> Bool in
      header.write(into: room)
      let body = UnsafeMutableRawBufferPointer(rebasing: room[form.length...])
      return plain.withUnsafeBytes { bytes in
        switch encryptor {
        case .none:
          body.copyMemory(from: bytes)
          return true
        case .some(let encryptor):
          return (try? encryptor.encrypt(bytes, sequence: header.sequence, into: body)) != nil
        }
      }
    }
    guard sealed else { throw .library }
    sequence &+= 1
    return datagram
  }
}
