import Control
internal import Glibc

/// The file of tokens: of this user alone, replaced as a whole. Programs change it, the server reads it again when it has
/// changed, so a token that was taken back is of no use from that moment on.
public struct TokenFile: Sendable {
  public let path: String

  /// Read at most so much.
  private static let limit = 64 * 1024

  public init(path: String) { self.path = path }

  public static func standard() throws(AccessError) -> TokenFile {
    TokenFile(path: try StateFolder.standard() + "/http-tokens.json")
  }

  /// What tells one state of the file from another.
  public struct Mark: Sendable, Equatable {
    let inode: UInt
    let seconds: Int
    let nanoseconds: Int
    let size: Int
  }

  public var mark: Mark? {
    var facts = stat()
    guard unsafe stat(path, &facts) == 0 else { return nil }
    return Mark(
      inode: UInt(facts.st_ino), seconds: facts.st_mtim.tv_sec, nanoseconds: facts.st_mtim.tv_nsec,
      size: Int(facts.st_size))
  }

  /// No file is no token. One that others may read is refused: what it holds is no secret any more.
  public func read() throws(AccessError) -> TokenBook {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return TokenBook() }
      throw .system(path, errno)
    }
    defer { close(descriptor) }
    var facts = stat()
    guard unsafe fstat(descriptor, &facts) == 0 else { throw .system(path, errno) }
    guard facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == geteuid(), facts.st_mode & 0o077 == 0 else {
      throw AccessError("token_file_open", "\(path) must be a file of yours that nobody else may read: chmod 600 it")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 8192)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system(path, errno) }
      guard count > 0 else { break }
      bytes += chunk[..<count]
      guard bytes.count <= Self.limit else { throw AccessError("bad_token_file", "\(path) is too long") }
    }
    guard let json = try? JSON.parse(bytes) else { throw AccessError("bad_token_file", "\(path) is no JSON") }
    do throws(AccessError) { return try TokenBook(json: json) } catch {
      throw AccessError(error.code, "\(path): \(error.message)")
    }
  }

  public func write(_ book: TokenBook) throws(AccessError) {
    try StateFolder.replace(path, with: book.json.bytes + [0x0A])
  }

  /// The tokens, and the first one made where there was none.
  public func readOrBegin() throws(AccessError) -> TokenBook {
    let book = try read()
    guard book.tokens.isEmpty else { return book }
    let first = TokenBook([Token(name: Token.firstName, scope: .admin)])
    try write(first)
    return first
  }
}
