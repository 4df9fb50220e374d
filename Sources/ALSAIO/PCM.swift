import AudioCore
import AudioIO
import CALSA
import CALSASystem
import Glibc

/// One opened PCM: what was agreed with it, and the calls a device thread makes. Calls return a negative error number as
/// ALSA does.
///
/// Thread: whoever opened it, then the device thread, then whoever closes it.
final class PCM {
  let name: String
  let isPlayback: Bool
  private(set) var terms: DeviceTerms
  private let handle: OpaquePointer
  /// Where the device is not mapped: a period in its own samples, and the views on it.
  private let staging: UnsafeMutableRawPointer
  private let stagingAreas: UnsafeMutablePointer<snd_pcm_channel_area_t>
  private let stagingPlanes: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private var descriptors: [pollfd] = []

  /// Opens and sets up. May take as long as the sound server behind it does.
  init(
    _ name: String, configuration: PCMConfiguration, isPlayback: Bool, request: StreamRequest
  ) throws(BackendError) {
    self.name = name
    self.isPlayback = isPlayback
    handle = try configuration.open(name, isPlayback: isPlayback)
    do throws(BackendError) {
      terms = try Negotiation(handle: handle, name: name, request: request).agree()
    } catch {
      snd_pcm_close(handle)
      throw error
    }
    let channels = terms.channels.labels.count
    let bytes = terms.code.bytes
    let length = max(terms.period.value, terms.buffer.value) * bytes
    staging = .allocate(byteCount: length * channels, alignment: 64)
    stagingAreas = .allocate(capacity: channels)
    stagingPlanes = .allocate(capacity: channels)
    for channel in 0..<channels {
      let isInterleaved = terms.access.isInterleaved
      let plane = isInterleaved ? staging : staging + channel * length
      stagingPlanes[channel] = plane
      stagingAreas[channel] = snd_pcm_channel_area_t(
        addr: plane, first: isInterleaved ? UInt32(channel * bytes * 8) : 0,
        step: UInt32(bytes * 8 * (isInterleaved ? channels : 1)))
    }
    let count = max(Int(snd_pcm_poll_descriptors_count(handle)), 0)
    descriptors = Array(repeating: pollfd(), count: count + 1)
    let filled = snd_pcm_poll_descriptors(handle, &descriptors, UInt32(count))
    descriptors.removeSubrange(max(Int(filled), 0)..<count)
  }

  deinit {
    snd_pcm_drop(handle)
    snd_pcm_close(handle)
    staging.deallocate()
    stagingAreas.deallocate()
    stagingPlanes.deallocate()
  }

  // MARK: Thread: device

  enum Condition: Hashable {
    /// So many frames may be written or read.
    case ready(Int)
    case xrun
    case suspended
    case failed(Int32)
  }

  var condition: Condition {
    let frames = snd_pcm_avail_update(handle)
    switch snd_pcm_state(handle) {
    case SND_PCM_STATE_XRUN: return .xrun
    case SND_PCM_STATE_SUSPENDED: return .suspended
    case SND_PCM_STATE_DISCONNECTED: return .failed(-ENODEV)
    default: break
    }
    if frames >= 0 { return .ready(Int(frames)) }
    switch Int32(frames) {
    case -EPIPE: return .xrun
    case -ESTRPIPE: return .suspended
    case let error: return .failed(error)
    }
  }

  enum Waking: Hashable { case device, called, timeout, failed }

  /// Sleeps until the device has something for us, somebody calls, or the time has come.
  func wait(orFor call: Int32, until deadline: HostTime, deviceToo: Bool = true) -> Waking {
    let count = descriptors.count - 1
    descriptors[count] = pollfd(fd: call, events: Int16(POLLIN), revents: 0)
    let left = max((deadline - renderNow()).nanoseconds, 0)
    let from = deviceToo ? 0 : count
    let found = descriptors.withUnsafeMutableBufferPointer { all in
      calsa_wait(all.baseAddress! + from, UInt32(all.count - from), left)
    }
    guard found > 0 else { return .timeout }
    if descriptors[count].revents != 0 { return .called }
    var events: UInt16 = 0
    guard snd_pcm_poll_descriptors_revents(handle, &descriptors, UInt32(count), &events) >= 0 else { return .failed }
    return Int32(events) & (POLLERR | POLLHUP | POLLNVAL) == 0 ? .device : .failed
  }

  func start() -> Int32 { snd_pcm_start(handle) }
  func resume() -> Int32 { snd_pcm_resume(handle) }

  func prepare() -> Int32 {
    snd_pcm_drop(handle)
    return snd_pcm_prepare(handle)
  }

  /// Fills the whole buffer with silence.
  func fill() -> Int32 {
    let frames = terms.buffer.value
    return transfer(frames, isWriting: true) { areas, offset, _, count in
      snd_pcm_areas_silence(areas, offset, UInt32(terms.channels.labels.count), count, terms.code.native)
    }
  }

  /// The period that was rendered goes to the device.
  func write(_ render: UnsafeMutablePointer<DeviceRender>) -> Int32 {
    transfer(render.pointee.period, isWriting: true) { areas, offset, start, count in
      render.pointee.encode(from: start, frames: Int(count), areas: areas, offset: Int(offset))
      return 0
    }
  }

  /// A period comes from the device.
  func read(_ render: UnsafeMutablePointer<DeviceRender>) -> Int32 {
    transfer(render.pointee.period, isWriting: false) { areas, offset, start, count in
      render.pointee.decode(to: start, frames: Int(count), areas: areas, offset: Int(offset))
      return 0
    }
  }

  private typealias Areas = UnsafePointer<snd_pcm_channel_area_t>

  /// Moves frames that the device has said it is ready for. `body` gets the memory, the offset in it, how many frames came
  /// before, and how many these are.
  private func transfer(
    _ frames: Int, isWriting: Bool, _ body: (Areas, snd_pcm_uframes_t, Int, snd_pcm_uframes_t) -> Int32
  ) -> Int32 {
    guard terms.access.isMapped else { return staged(frames, isWriting: isWriting, body) }
    var done = 0
    while done < frames {
      var areas: Areas?
      var offset: snd_pcm_uframes_t = 0
      var count = snd_pcm_uframes_t(frames - done)
      let begun = snd_pcm_mmap_begin(handle, &areas, &offset, &count)
      guard begun >= 0, let areas, count > 0 else { return begun < 0 ? begun : -EPIPE }
      let result = body(areas, offset, done, count)
      let committed = snd_pcm_mmap_commit(handle, offset, count)
      guard result >= 0, committed == snd_pcm_sframes_t(count) else {
        return committed < 0 ? Int32(committed) : (result < 0 ? result : -EPIPE)
      }
      done += Int(count)
    }
    return 0
  }

  private func staged(
    _ frames: Int, isWriting: Bool, _ body: (Areas, snd_pcm_uframes_t, Int, snd_pcm_uframes_t) -> Int32
  ) -> Int32 {
    let count = snd_pcm_uframes_t(frames)
    let isInterleaved = terms.access.isInterleaved
    var moved: snd_pcm_sframes_t = 0
    if isWriting {
      let result = body(stagingAreas, 0, 0, count)
      guard result >= 0 else { return result }
      moved =
        isInterleaved
        ? snd_pcm_writei(handle, staging, count) : snd_pcm_writen(handle, stagingPlanes, count)
    } else {
      moved =
        isInterleaved
        ? snd_pcm_readi(handle, staging, count) : snd_pcm_readn(handle, stagingPlanes, count)
      if moved == snd_pcm_sframes_t(count) { return body(stagingAreas, 0, 0, count) }
    }
    // It said that it was ready for all of it.
    return moved < 0 ? Int32(moved) : (moved == snd_pcm_sframes_t(count) ? 0 : -EPIPE)
  }
}
