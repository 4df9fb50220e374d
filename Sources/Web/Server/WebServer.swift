internal import CLinux
internal import CMicroHTTP
internal import CMicroHTTPSystem
internal import Glibc
public import WebAccess

/// The HTTP door: a thread of its own that answers requests. It reaches the daemon over the control socket alone, as any
/// other client does, so server, verbs and their limits know nothing of it, and it can hold up nobody.
public final class WebServer: Sendable {
  public let address: WebAddress
  private let wake: Int32
  private let thread: pthread_t

  /// Binds and starts; what cannot be is said here. Thread: control.
  public init(_ terms: WebTerms) throws(AccessError) {
    address = try WebAddress(terms.listen)
    // Made where there is none, and known to be readable.
    _ = try terms.tokens.readOrBegin()
    let listener = try Listening.open(address)
    wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    let loop = WebLoop(terms, address: address, wake: wake)
    guard loop.start(listener) else {
      close(listener)
      close(wake)
      throw AccessError(
        "http_start", "HTTP cannot start" + (terms.certificate == nil ? "" : ": are certificate and key a pair?"))
    }
    var thread = pthread_t()
    let result = unsafe pthread_create(&thread, nil, webThreadMain, Unmanaged.passRetained(loop).toOpaque())
    self.thread = thread
    guard result == 0 else {
      unsafe Unmanaged.passUnretained(loop).release()
      loop.finish()
      close(wake)
      throw AccessError("http_start", "no thread: \(unsafe String(cString: strerror(result)))")
    }
  }

  /// Ends every connection and waits for the thread, which takes no longer than it takes to close them. Once.
  /// Thread: control.
  public func stop() {
    eventfd_write(wake, 1)
    _ = pthread_join(thread, nil)
    close(wake)
    if case .path(let path) = address { _ = unsafe unlink(path) }
  }
}

private func webThreadMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let raw = unsafe raw else { return nil }
  let loop = unsafe Unmanaged<WebLoop>.fromOpaque(raw).takeRetainedValue()
  _ = unsafe clinux_thread_setup("streamd-http", 0)
  var signals = sigset_t()
  unsafe sigfillset(&signals)
  unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
  loop.run()
  loop.finish()
  return nil
}
