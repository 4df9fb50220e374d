import CPipeWire
import CPipeWireSystem
import Glibc

/// What PipeWire keeps of a connection that has no owner any more, and that no event of it reaches.
struct ConnectionRemains {
  let loop: OpaquePointer
  let context: OpaquePointer
  let core: OpaquePointer?
  /// Registry and metadata, the last one first.
  let proxies: [OpaquePointer]
  let timerData: UnsafeMutableRawPointer

  /// The loop's thread may be the one that let go last, within a callback: it can neither wait for its own end nor take
  /// the core away from under its feet, so another thread does.
  func bury() {
    guard pw_thread_loop_in_thread(loop) else { return destroy() }
    let own = UnsafeMutablePointer<ConnectionRemains>.allocate(capacity: 1)
    own.initialize(to: self)
    var thread = pthread_t()
    guard pthread_create(&thread, nil, undertakerMain, own) == 0 else {
      // A loop that nobody hears costs memory; a loop that is gone while it runs costs the process.
      own.deinitialize(count: 1)
      own.deallocate()
      return
    }
    pthread_detach(thread)
  }

  /// Thread: any but the loop's, which has ended when this returns.
  fileprivate func destroy() {
    pw_thread_loop_stop(loop)
    for proxy in proxies { pw_proxy_destroy(proxy) }
    if let core { pw_core_disconnect(core) }
    pw_context_destroy(context)
    pw_thread_loop_destroy(loop)
    timerData.deallocate()
  }
}

private func undertakerMain(_ data: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let own = data.unsafelyUnwrapped.assumingMemoryBound(to: ConnectionRemains.self)
  own.pointee.destroy()
  own.deinitialize(count: 1)
  own.deallocate()
  return nil
}
