import AudioCore
import AudioIO
import CALSASystem
import Glibc

/// Agrees with an opened device: what we would like best of what it can do.
///
/// Rate, channels and samples are the device's own, even where ALSA would convert them: our resampler is the better one, and
/// the report says what is true.
struct Negotiation {
  let handle: OpaquePointer
  let name: String
  let request: StreamRequest

  /// Nobody has asked for a length: 10.7 ms at 48 kHz, and three of them in the buffer.
  static let period: FrameCount = 512
  static let periods = 3

  func agree() throws(BackendError) -> DeviceTerms {
    var parameters: OpaquePointer?
    guard snd_pcm_hw_params_malloc(&parameters) >= 0, let parameters else { throw refused("memory", -ENOMEM) }
    defer { snd_pcm_hw_params_free(parameters) }
    try check(snd_pcm_hw_params_any(handle, parameters), "any setting")
    _ = snd_pcm_hw_params_set_rate_resample(handle, parameters, 0)
    guard
      let access = DeviceTerms.Access.preferred.first(where: {
        snd_pcm_hw_params_set_access(handle, parameters, $0.native) >= 0
      })
    else { throw refused("mapped or plain access", -EINVAL) }
    guard
      let code = SampleCode.allCases.first(where: { snd_pcm_hw_params_set_format(handle, parameters, $0.native) >= 0 })
    else { throw refused("samples of 32, 24 or 16 bits", -EINVAL) }

    var channels = UInt32(request.layout?.count ?? 2)
    try check(snd_pcm_hw_params_set_channels_near(handle, parameters, &channels), "channels")
    guard (1...DeviceChannels.limit).contains(Int(channels)) else { throw refused("\(channels) channels", -EINVAL) }
    var rate = UInt32(request.rate.hertz)
    var direction: Int32 = 0
    try check(snd_pcm_hw_params_set_rate_near(handle, parameters, &rate, &direction), "a rate")
    guard (4_000...768_000).contains(rate) else { throw refused("\(rate) Hz", -EINVAL) }

    let wanted = request.quantum ?? Self.period
    var period = snd_pcm_uframes_t(max(wanted.value * Int(rate) / request.rate.hertz, 16))
    try check(snd_pcm_hw_params_set_period_size_near(handle, parameters, &period, &direction), "a period")
    var buffer = period * snd_pcm_uframes_t(Self.periods)
    try check(snd_pcm_hw_params_set_buffer_size_near(handle, parameters, &buffer), "a buffer")
    try check(snd_pcm_hw_params(handle, parameters), "what it offered")
    snd_pcm_hw_params_get_period_size(parameters, &period, &direction)
    snd_pcm_hw_params_get_buffer_size(parameters, &buffer)
    // One period plays while the next is made.
    guard period > 0, period <= 65_536, buffer >= 2 * period, buffer <= 1 << 22 else {
      throw refused("\(period) of \(buffer) frames", -EINVAL)
    }
    try agreeOnWaking(period: period, buffer: buffer)

    let map = snd_pcm_get_chmap(handle)
    defer { free(map) }
    return DeviceTerms(
      access: access, code: code, rate: SampleRate(hertz: Int(rate)),
      channels: DeviceChannels(count: Int(channels), map: map), period: FrameCount(Int(period)),
      buffer: FrameCount(Int(buffer)))
  }

  /// We are woken for each period; nothing starts but by us, and what ran dry stops.
  private func agreeOnWaking(period: snd_pcm_uframes_t, buffer: snd_pcm_uframes_t) throws(BackendError) {
    var parameters: OpaquePointer?
    guard snd_pcm_sw_params_malloc(&parameters) >= 0, let parameters else { throw refused("memory", -ENOMEM) }
    defer { snd_pcm_sw_params_free(parameters) }
    try check(snd_pcm_sw_params_current(handle, parameters), "its own waking")
    var boundary: snd_pcm_uframes_t = 0
    snd_pcm_sw_params_get_boundary(parameters, &boundary)
    try check(snd_pcm_sw_params_set_avail_min(handle, parameters, period), "waking")
    try check(snd_pcm_sw_params_set_start_threshold(handle, parameters, boundary), "starting")
    try check(snd_pcm_sw_params_set_stop_threshold(handle, parameters, buffer), "stopping")
    try check(snd_pcm_sw_params(handle, parameters), "waking")
  }

  private func check(_ result: Int32, _ what: String) throws(BackendError) {
    guard result < 0 else { return }
    if [ENODEV, ENXIO, EIO, EBADFD].contains(-result) { throw DeviceFailure.running(name, result) }
    if result == -EBUSY { throw DeviceFailure.opening(name, isPlayback: true, result) }
    throw refused(what, result)
  }

  private func refused(_ what: String, _ code: Int32) -> BackendError {
    BackendError(.unsupportedFormat, "the PCM \"\(name)\" refuses \(what): \(DeviceFailure.text(code))")
  }
}
