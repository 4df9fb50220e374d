internal import CCryptoSystem
internal import Glibc

/// A certificate that vouches for itself, and its key: people compare its fingerprint once.
public struct Certificate: Sendable {
  /// Both as PEM.
  public let certificate: String
  public let key: String
  /// SHA-256 of the certificate, as browsers show it.
  public let fingerprint: String

  /// Of hosts by name or address. P-256, for the years that browsers accept.
  public static func make(hosts: [String]) throws(AccessError) -> Certificate {
    guard let made = forge(hosts) else {
      throw AccessError("certificate", "no certificate could be made for \(hosts.joined(separator: ", "))")
    }
    return made
  }

  public init(certificate: String, key: String) throws(AccessError) {
    self.certificate = certificate
    self.key = key
    guard let print = digest(of: certificate) else {
      throw AccessError("certificate", "what should be a certificate is none")
    }
    fingerprint = print
  }
}

private let lifetimeDays = 800

private func forge(_ hosts: [String]) -> Certificate? {
  guard let context = unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { return nil }
  defer { unsafe EVP_PKEY_CTX_free(context) }
  var pair: OpaquePointer?
  guard unsafe EVP_PKEY_keygen_init(context) > 0,
    unsafe EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) > 0,
    unsafe EVP_PKEY_keygen(context, &pair) > 0, let pair = unsafe pair, let sheet = unsafe X509_new()
  else { return nil }
  defer {
    unsafe EVP_PKEY_free(pair)
    unsafe X509_free(sheet)
  }
  unsafe X509_set_version(sheet, 2)
  // Positive, of 63 bits.
  unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(sheet), UInt64.random(in: 1...UInt64(Int64.max)))
  unsafe X509_gmtime_adj(X509_getm_notBefore(sheet), -3600)
  unsafe X509_gmtime_adj(X509_getm_notAfter(sheet), lifetimeDays * 86_400)
  unsafe X509_set_pubkey(sheet, pair)
  let name = unsafe X509_get_subject_name(sheet)
  let title = Array("streamd".utf8)
  unsafe X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, title, Int32(title.count), -1, 0)
  unsafe X509_set_issuer_name(sheet, name)
  let names = hosts.map { isAddress($0) ? "IP:\($0)" : "DNS:\($0)" }.joined(separator: ",")
  for (kind, value) in [
    (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
    (NID_ext_key_usage, "serverAuth"), (NID_subject_alt_name, names),
  ] {
    guard let part = unsafe X509V3_EXT_conf_nid(nil, nil, kind, value) else { return nil }
    unsafe X509_add_ext(sheet, part, -1)
    unsafe X509_EXTENSION_free(part)
  }
  guard unsafe X509_sign(sheet, pair, EVP_sha256()) > 0,
    let certificate = unsafe text({ unsafe PEM_write_bio_X509($0, sheet) }),
    let key = unsafe text({ unsafe PEM_write_bio_PrivateKey($0, pair, nil, nil, 0, nil, nil) })
  else { return nil }
  return try? Certificate(certificate: certificate, key: key)
}

private func text(_ write: (OpaquePointer) -> Int32) -> String? {
  guard let sink = unsafe BIO_new(BIO_s_mem()) else { return nil }
  defer { unsafe BIO_free(sink) }
  guard unsafe write(sink) > 0 else { return nil }
  var bytes = [UInt8](repeating: 0, count: 16_384)
  let count = unsafe BIO_read(sink, &bytes, Int32(bytes.count))
  return count > 0 ? String(decoding: bytes[..<Int(count)], as: UTF8.self) : nil
}

private func digest(of certificate: String) -> String? {
  let bytes = Array(certificate.utf8)
  guard let source = unsafe BIO_new_mem_buf(bytes, Int32(bytes.count)) else { return nil }
  defer { unsafe BIO_free(source) }
  guard let sheet = unsafe PEM_read_bio_X509(source, nil, nil, nil) else { return nil }
  defer { unsafe X509_free(sheet) }
  var bytesOfDigest = [UInt8](repeating: 0, count: 32)
  var count: UInt32 = 0
  guard unsafe X509_digest(sheet, EVP_sha256(), &bytesOfDigest, &count) > 0 else { return nil }
  let digits = Array("0123456789ABCDEF".utf8)
  return bytesOfDigest.map { String(decoding: [digits[Int($0 >> 4)], digits[Int($0 & 15)]], as: UTF8.self) }
    .joined(separator: ":")
}

/// An IPv4 or IPv6 address rather than a name.
public func isAddress(_ host: String) -> Bool {
  var bytes = [UInt8](repeating: 0, count: 16)
  return unsafe inet_pton(AF_INET, host, &bytes) == 1 || inet_pton(AF_INET6, host, &bytes) == 1
}
