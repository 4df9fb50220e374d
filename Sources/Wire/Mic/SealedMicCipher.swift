internal import CCryptoSystem

/// What both ends of the sealed protocol share of AES-128-GCM.
enum SealedMicCipher {
  /// "MICU", then the counter: twelve bytes that no other use of the key can have.
  static func nonce(_ counter: UInt64) -> InlineArray<12, UInt8> {
    var nonce = InlineArray<12, UInt8>(repeating: 0)
    withUnsafeMutableBytes(of: &nonce) {
      $0.putBig(UInt32(0x4D49_4355), at: 0)
      $0.putBig(counter, at: 4)
    }
    return nonce
  }

  static func context() throws(MicPacketError) -> GameStreamCipher.Context {
    do throws(GameStreamCipherError) { return try GameStreamCipher.Context() } catch { throw .library }
  }

  /// The library's own list of errors is per thread and would show up in somebody else's question.
  static func failure(_ error: MicPacketError) -> MicPacketError {
    ERR_clear_error()
    return error
  }
}
