import CCryptoSystem

/// SHA-256 of what goes by.
final class ContentDigest: @unchecked Sendable {
  private let context: OpaquePointer?

  init() {
    context = EVP_MD_CTX_new()
    EVP_DigestInit_ex(context, EVP_sha256(), nil)
  }

  deinit { EVP_MD_CTX_free(context) }

  func add(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// Of all so far. Nothing may be added then.
  func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 32
    EVP_DigestFinal_ex(context, &digest, &count)
    return digest
  }

  /// Of a part of a file.
  static func of(_ file: any DiskFile, from place: Int, count: Int) throws(DiskError) -> [UInt8] {
    let digest = ContentDigest()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    var done = 0
    while done < count {
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, count - done)])
      let got = try file.read(into: part, at: place + done)
      if got == 0 { break }
      digest.add(UnsafeRawBufferPointer(rebasing: part[..<got]))
      done += got
    }
    return digest.finish()
  }
}

extension DiskFile {
  func read(count: Int, at place: Int) throws(DiskError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    defer { buffer.deallocate() }
    let got = try read(into: buffer, at: place)
    return Array(buffer[..<got])
  }
}

extension RecordingError {
  init(_ error: DiskError) {
    self.init(error.cause == .missing ? .notFound : .disk, error.description, hint: nil)
  }
}
