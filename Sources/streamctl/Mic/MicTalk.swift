import AudioCore
import OpusCodec
import Wire

/// A talker's end of a microphone: sound in, packets out when their time has come, through a bad network if one is asked
/// for.
///
/// Packet n is due n packets after the start, on a clock that may run fast or slow on purpose, however long the ones before
/// took. Reads no clock: times are given.
final class MicTalk {
  struct Settings {
    var codec: OpusConfiguration
    /// How fast the talker's clock runs against ours, in parts per million.
    var ppm = 0.0
    /// Nil: until the sound ends.
    var length: FrameCount?
    /// From here on the user has muted.
    var mutedFrom: FrameCount?
    var faults: FaultPlan?
  }

  private(set) var counts = MicTalkCounts()
  private let settings: Settings
  private let sound: any MicSound
  private let envelope: any MicEnvelope
  private let start: HostTime
  private let packet: FrameCount
  private var encoder: OpusEncoder
  private var injector: FaultInjector?
  /// The talker's time in frames.
  private var place: Int64 = 0
  private var isPaused = false
  private var isOver = false
  /// When a live sound last had something.
  private var heardAt: HostTime?
  /// In the talker's time.
  private var lastWord: Int64 = 0
  private var samples: [Float]
  private var room: [UInt8]

  /// After a hold-up of more than this the talker's time goes on without sound: hosts take no more in advance.
  private static let lagLimit = HostDuration.milliseconds(500)
  /// Between signs of life while nothing is said.
  private static let wordInterval: Int64 = 48_000

  init(_ settings: Settings, sound: any MicSound, envelope: any MicEnvelope, start: HostTime) throws(OpusError) {
    self.settings = settings
    self.sound = sound
    self.envelope = envelope
    self.start = start
    packet = settings.codec.frame.frames
    encoder = try OpusEncoder(settings.codec)
    injector = settings.faults.map { FaultInjector($0) }
    samples = [Float](repeating: 0, count: settings.codec.samplesPerFrame)
    room = [UInt8](repeating: 0, count: max(settings.codec.packetBytes, 4096))
  }

  /// Sends all that is due. Returns when to be called again, at the latest; nil when everything is said.
  func step(at now: HostTime, send: ([UInt8]) -> Void) throws(MicPacketError) -> HostTime? {
    skip(at: now)
    talking: while !isOver, sound.isLive || due(place) <= now {
      guard settings.length.map({ place < $0.value }) ?? true else {
        try end(at: now, send)
        break
      }
      switch samples.withUnsafeMutableBufferPointer({ sound.fill($0) }) {
      case .waiting: break talking
      case .ended: try end(at: now, send)
      case .filled(let gone):
        if sound.isLive { follow(gone, at: now) }
        try speak(at: now, send)
      }
    }
    while let datagram = injector?.next(at: now) { send(datagram) }
    let held = injector?.due
    guard !isOver else { return held }
    let next = sound.isLive ? now + packet.duration(at: .codec) : due(place)
    return held.map { min($0, next) } ?? next
  }

  /// When the packet of a place is to leave.
  private func due(_ place: Int64) -> HostTime {
    start + HostDuration(nanoseconds: Int64(Double(place) * 1e9 / (48_000 * (1 + settings.ppm * 1e-6))))
  }

  private func skip(at now: HostTime) {
    guard !sound.isLive, now - due(place) > Self.lagLimit else { return }
    while due(place + Int64(packet.value)) <= now {
      place += Int64(packet.value)
      counts.skipped += packet.value
    }
  }

  /// A live sound is late by what was let go of it, or because there was none for a while.
  private func follow(_ gone: Int, at now: HostTime) {
    let pause = heardAt.map { now - $0 } ?? .zero
    let frames = max(gone, pause > Self.lagLimit ? SampleRate.codec.frames(in: pause).value : 0)
    heardAt = now
    place += Int64(frames)
    counts.skipped += frames
  }

  private func speak(at now: HostTime, _ send: ([UInt8]) -> Void) throws(MicPacketError) {
    let isMuted = settings.mutedFrom.map { place >= $0.value } ?? false
    let opus = isMuted ? [] : encoded()
    // Two bytes or less say that nothing changes; that is what a pause is for.
    if opus.count > 2 {
      isPaused = false
      counts.packets += 1
      counts.opusBytes += opus.count
      pass(try envelope.opus(opus, at: place), at: now, send)
    } else {
      counts.silent += 1
      try stayQuiet(isMuted, at: now, send)
    }
    place += Int64(packet.value)
    counts.frames += packet.value
  }

  private func stayQuiet(_ isMuted: Bool, at now: HostTime, _ send: ([UInt8]) -> Void) throws(MicPacketError) {
    guard !isPaused || place - lastWord >= Self.wordInterval else { return }
    if isPaused {
      if let word = try envelope.keepalive(at: place, isMuted: isMuted) {
        counts.keepalives += 1
        pass(word, at: now, send)
      }
    } else if let word = try envelope.pause(at: place, isMuted: isMuted) {
      counts.pauses += 1
      pass(word, at: now, send)
    }
    isPaused = true
    lastWord = place
  }

  private func encoded() -> [UInt8] {
    samples.withUnsafeBufferPointer { pcm in
      room.withUnsafeMutableBufferPointer { bytes in
        // The lengths are right by construction, and floats cannot be wrong.
        guard let count = try? encoder.encode(pcm, into: bytes) else { return [] }
        return Array(bytes[..<count])
      }
    }
  }

  /// The end is silence, not loss.
  private func end(at now: HostTime, _ send: ([UInt8]) -> Void) throws(MicPacketError) {
    isOver = true
    guard !isPaused, let word = try envelope.pause(at: place, isMuted: false) else { return }
    counts.pauses += 1
    pass(word, at: now, send)
  }

  private func pass(_ datagram: [UInt8], at now: HostTime, _ send: ([UInt8]) -> Void) {
    guard injector != nil else { return send(datagram) }
    datagram.withUnsafeBytes { injector!.take($0, at: now) }
    counts.faults = injector!.counts
  }

  /// What is to be said ends here, before its time. `step` sends what is left.
  func hangUp(at now: HostTime, send: ([UInt8]) -> Void) throws(MicPacketError) {
    if !isOver { try end(at: now, send) }
  }
}

/// What was sent.
struct MicTalkCounts: Hashable, Sendable {
  /// Of sound, with what was silent.
  var frames = 0
  var packets = 0
  var opusBytes = 0
  /// Packets that were not sent because there was nothing in them.
  var silent = 0
  var pauses = 0
  var keepalives = 0
  /// Frames whose time passed while the sender was held up.
  var skipped = 0
  var faults: FaultCounts?
}
