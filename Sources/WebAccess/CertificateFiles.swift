internal import Glibc

/// Where the certificate and its key are kept.
public struct CertificateFiles: Sendable {
  public let certificatePath: String
  public let keyPath: String

  public init(folder: String) {
    certificatePath = folder + "/http-cert.pem"
    keyPath = folder + "/http-key.pem"
  }

  public static func standard() throws(AccessError) -> CertificateFiles {
    CertificateFiles(folder: try StateFolder.standard())
  }

  /// One that somebody put there stays; where there is none, one is made for these hosts.
  public func readOrMake(hosts: [String]) throws(AccessError) -> Certificate {
    guard unsafe access(certificatePath, F_OK) == 0 else { return try make(hosts: hosts) }
    return try Certificate(
      certificate: try StateFolder.text(of: certificatePath), key: try StateFolder.text(of: keyPath))
  }

  public func make(hosts: [String]) throws(AccessError) -> Certificate {
    let made = try Certificate.make(hosts: hosts + ["localhost", "127.0.0.1", "::1"])
    try StateFolder.replace(keyPath, with: Array(made.key.utf8))
    try StateFolder.replace(certificatePath, with: Array(made.certificate.utf8))
    return made
  }
}

extension StateFolder {
  /// A text of bounded size.
  static func text(of path: String) throws(AccessError) -> String {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(path, errno) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var filled = 0
    while filled < bytes.count {
      let count = unsafe bytes.withUnsafeMutableBytes {
        unsafe read(descriptor, $0.baseAddress! + filled, $0.count - filled)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system(path, errno) }
      guard count > 0 else { break }
      filled += count
    }
    return String(decoding: bytes[..<filled], as: UTF8.self)
  }
}
