// Entry points of JACK's threads. File-scope functions: a closure literal would carry the isolation of the place where it
// was written and trap here. The library forbids its own calls in those that only bring news: they leave a mark and wake
// the supervisor.
import AudioCore
import CJACK
import CJACKSystem
import Synchronization

/// Thread: render.
@_noLocks
func processCycle(_ frames: jack_nframes_t, _ data: UnsafeMutableRawPointer?) -> Int32 {
  data.unsafelyUnwrapped.assumingMemoryBound(to: PortRender.self).pointee.renderPeriod(Int(frames))
  return 0
}

/// The period has changed; no cycle runs meanwhile. Thread: the library's.
@_noLocks
func periodChanged(_ frames: jack_nframes_t, _ data: UnsafeMutableRawPointer?) -> Int32 {
  let facts = streamFacts(data)
  facts.pointee.takePeriod(Int(frames))
  facts.pointee.isBroken.store(true, ordering: .releasing)
  facts.pointee.news.wake()
  return 0
}

/// The server could not keep its time. Thread: the library's.
@_noLocks
func cycleWasLate(_ data: UnsafeMutableRawPointer?) -> Int32 {
  let facts = streamFacts(data)
  guard facts.pointee.isOpen.load(ordering: .relaxed) else { return 0 }
  facts.pointee.xruns.add(1, ordering: .relaxed)
  facts.pointee.isBroken.store(true, ordering: .releasing)
  return 0
}

/// The server runs as fast as it can, or in real time again. Thread: the library's.
@_noLocks
func freewheelingChanged(_ isStarting: Int32, _ data: UnsafeMutableRawPointer?) {
  let facts = streamFacts(data)
  facts.pointee.isFreewheeling.store(isStarting != 0, ordering: .relaxed)
  facts.pointee.isBroken.store(true, ordering: .releasing)
  facts.pointee.news.wake()
}

/// Ports and what is connected to them. Thread: the library's.
@_noLocks
func orderChanged(_ data: UnsafeMutableRawPointer?) -> Int32 {
  wakeSupervisor(data)
  return 0
}

@_noLocks
func portChanged(_ port: jack_port_id_t, _ isNew: Int32, _ data: UnsafeMutableRawPointer?) {
  wakeSupervisor(data)
}

@_noLocks
func connectionChanged(
  _ one: jack_port_id_t, _ other: jack_port_id_t, _ isNew: Int32, _ data: UnsafeMutableRawPointer?
) {
  wakeSupervisor(data)
}

/// The server is gone, or has thrown us out. Thread: the library's, which may be the one that renders.
@_noLocks
func serverLeft(_ code: jack_status_t, _ reason: UnsafePointer<CChar>?, _ data: UnsafeMutableRawPointer?) {
  let facts = streamFacts(data)
  if facts.pointee.thread.load(ordering: .relaxed) != UInt(render_thread()) { cjack_end_by_itself() }
  facts.pointee.gone.pointee.store(true, ordering: .releasing)
  facts.pointee.isLost.store(true, ordering: .releasing)
  facts.pointee.news.wake()
}

@_noLocks
private func streamFacts(_ data: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<ServerFacts> {
  data.unsafelyUnwrapped.assumingMemoryBound(to: ServerFacts.self)
}

/// The first of these comes with our joining the cycles, so the thread that brings news is a good one from then on. The
/// other callbacks may come on the thread that renders.
@_noLocks
private func wakeSupervisor(_ data: UnsafeMutableRawPointer?) {
  cjack_end_when_waiting()
  streamFacts(data).pointee.news.wake()
}
