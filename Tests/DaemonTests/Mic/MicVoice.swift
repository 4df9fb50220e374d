import AudioCore
import Glibc
import OpusCodec
import Synchronization
import TestSupport

/// A client that talks: packets at even times, from a thread of its own.
///
/// The times are absolute, so that its clock is the computer's however late a packet was.
/// Thread: any; one at a time.
final class MicVoice: @unchecked Sendable {
  enum Mode: Sendable {
    case talking
    /// Packets are lost on their way.
    case lost
    /// The network keeps them, and delivers them at once when that is over.
    case stalled
    /// Nothing is sent, after one word that says so.
    case quiet
  }

  /// When the packet of a media time was sent.
  struct Sending: Sendable {
    var frame: Int64
    var seconds: Double
  }

  let wire: any MicWire
  let frame: FrameDuration
  private let sound: @Sendable (Int64) -> Float
  private let speaks: @Sendable (Int64) -> Bool
  private let state = Mutex<(mode: Mode, isEnding: Bool, sent: [Sending])>((.talking, false, []))
  private var thread = pthread_t()
  /// The thread's own.
  private var encoder: OpusEncoder

  /// - Parameters:
  ///   - sound: the sample at a frame of the client's media time.
  ///   - speaks: whether a packet that begins there is sent at all; where not, the client is quiet.
  init(
    _ wire: any MicWire, frame: FrameDuration = .ms20, bitrate: Int = 64_000,
    sound: @escaping @Sendable (Int64) -> Float = MicVoice.tone(),
    speaks: @escaping @Sendable (Int64) -> Bool = { _ in true }
  ) throws {
    self.wire = wire
    self.frame = frame
    self.sound = sound
    self.speaks = speaks
    encoder = try OpusEncoder(.standard(layout: .mono, bitrate: bitrate, frame: frame))
    pthread_create(&thread, nil, voiceMain, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { stop() }

  /// A steady sine.
  static func tone(_ frequency: Double = 997, level: Double = -20) -> @Sendable (Int64) -> Float {
    let amplitude = pow(10, level / 20)
    return { Float(amplitude * sin(2 * .pi * frequency * Double($0 % 48_000) / 48_000)) }
  }

  static let silence: @Sendable (Int64) -> Float = { _ in 0 }

  var mode: Mode {
    get { state.withLock { $0.mode } }
    set { state.withLock { $0.mode = newValue } }
  }

  var sent: [Sending] { state.withLock { $0.sent } }

  func stop() {
    guard
      !state.withLock({ state in
        defer { state.isEnding = true }
        return state.isEnding
      })
    else { return }
    pthread_join(thread, nil)
  }

  fileprivate func run() {
    var due = monotonicSeconds()
    var place: Int64 = 0
    var kept: [[UInt8]] = []
    var wasQuiet = false
    while !state.withLock({ $0.isEnding }) {
      let count = frame.rawValue
      let samples = (0..<count).map { sound(place + Int64($0)) }
      let timestamp = UInt32(truncatingIfNeeded: place)
      let mode = speaks(place) ? mode : .quiet
      sleep(until: due)
      if mode == .quiet {
        if !wasQuiet, let word = wire.pause(timestamp) { wire.send(word) }
      } else if let message = wire.pack(samples, opus: encode(samples), timestamp) {
        kept.append(message)
        if mode == .lost { kept = [] }
        if mode == .talking {
          for message in kept { wire.send(message) }
          kept = []
          let now = monotonicSeconds()
          state.withLock { $0.sent.append(Sending(frame: place, seconds: now)) }
        }
      }
      wasQuiet = mode == .quiet
      place += Int64(count)
      due += Double(count) / 48_000
    }
  }

  private func encode(_ samples: [Float]) -> [UInt8] {
    let size = encoder.configuration.packetBytes
    return [UInt8](unsafeUninitializedCapacity: size) { room, count in
      count = samples.withUnsafeBufferPointer { (try? encoder.encode($0, into: room)) ?? 0 }
    }
  }

  private func sleep(until seconds: Double) {
    while case let left = seconds - monotonicSeconds(), left > 0 { usleep(useconds_t(left * 1e6) + 1) }
  }
}

private func voiceMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<MicVoice>.fromOpaque(raw!).takeUnretainedValue().run()
  return nil
}
