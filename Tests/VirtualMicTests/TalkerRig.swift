import AudioCore
import COpus
import COpusSystem
import Glibc
import OpusCodec

@testable import VirtualMic

/// A small generator of numbers that are the same in every run.
struct Dice {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> Double {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Double(state >> 11) * 0x1p-53
  }

  /// Exponentially distributed with this mean, which is also its deviation.
  mutating func exponential(_ mean: Double) -> Double { -mean * log(1 - next()) }
}

/// A talker, the network and its playout, in virtual time.
final class TalkerRig {
  struct Arrival {
    var time: HostTime
    var frame: MicFrame
  }

  struct Piece {
    var time: HostTime
    var samples: [Float]
  }

  let playout: TalkerPlayout
  let start = HostTime(nanoseconds: 5_000_000_000_000)
  /// What was pushed, and when.
  var pieces: [Piece] = []
  /// Called before each arrival.
  var watch: (TalkerPlayout) -> Void = { _ in }
  var keeps = true
  private(set) var due: HostTime?
  private(set) var pushedFrames = 0
  private(set) var now: HostTime

  init(channels: Int = 1) {
    playout = TalkerPlayout(channels: channels)
    now = start
  }

  var report: PlayoutReport { playout.report }
  var sound: [Float] { pieces.flatMap(\.samples) }

  private func step(_ time: HostTime) {
    now = time
    due = playout.step(at: time) { samples in
      pushedFrames += samples.count / playout.channels
      if keeps { pieces.append(Piece(time: time, samples: Array(samples))) }
    }
  }

  /// Delivers everything in order of arrival and steps whenever a step is due.
  func run(_ arrivals: [Arrival], until end: HostTime? = nil) {
    for arrival in arrivals.sorted(by: { $0.time < $1.time }) {
      wait(until: arrival.time)
      watch(playout)
      playout.insert(arrival.frame, at: arrival.time)
      step(arrival.time)
    }
    if let end { wait(until: end) }
  }

  func wait(until end: HostTime) {
    while let next = due, next < end { step(max(next, now)) }
  }

  /// Milliseconds after the start.
  func at(_ milliseconds: Double) -> HostTime { start + HostDuration(nanoseconds: Int64(milliseconds * 1e6)) }
}

/// Makes the packets of a talker.
struct TalkerSource {
  enum Kind { case pcm, pcmStereo, speech, music }
  let kind: Kind
  var frames: Int
  var signal: (Int) -> Float = { 0.1 * Float(sin(2 * .pi * 440 * Double($0) / 48_000)) }
  var position = 0
  var sequence: UInt16 = 65_000
  var timestamp: UInt32 = 0xFFFF_F000
  private var coder: Coder?

  init(_ kind: Kind = .pcm, frames: Int = 960) {
    (self.kind, self.frames) = (kind, frames)
    if kind == .speech || kind == .music { coder = Coder(kind == .speech) }
  }

  mutating func next() -> MicFrame {
    let samples = (0..<frames).map { signal(position + $0) }
    let body: MicFrame.Body
    switch kind {
    case .pcm: body = .pcm(samples, channels: 1)
    case .pcmStereo: body = .pcm(samples.flatMap { [$0, -$0] }, channels: 2)
    case .speech, .music: body = .opus(coder!.encode(samples))
    }
    defer { skip(1) }
    return MicFrame(sequence: sequence, timestamp: timestamp, body: body)
  }

  /// Numbers and time go on without a packet.
  mutating func skip(_ packets: Int) {
    sequence &+= UInt16(packets)
    timestamp &+= UInt32(packets * frames)
    position += packets * frames
  }

  /// Only time goes on.
  mutating func rest(_ packets: Int) {
    timestamp &+= UInt32(packets * frames)
    position += packets * frames
  }

  /// An encoder with copies of lost packets, which the product's own has no use for.
  final class Coder {
    let state: OpaquePointer

    init(_ speech: Bool) {
      var error: Int32 = 0
      let mapping: [UInt8] = [0]
      state = opus_multistream_encoder_create(
        48_000, 1, 1, 0, mapping, speech ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_RESTRICTED_LOWDELAY, &error)!
      _ = copus_encoder_set(state, OPUS_SET_BITRATE_REQUEST, speech ? 32_000 : 96_000)
      if speech {
        _ = copus_encoder_set(state, OPUS_SET_INBAND_FEC_REQUEST, 1)
        _ = copus_encoder_set(state, OPUS_SET_PACKET_LOSS_PERC_REQUEST, 20)
        _ = copus_encoder_set(state, OPUS_SET_BANDWIDTH_REQUEST, OPUS_BANDWIDTH_WIDEBAND)
        _ = copus_encoder_set(state, OPUS_SET_SIGNAL_REQUEST, OPUS_SIGNAL_VOICE)
      }
    }

    deinit { opus_multistream_encoder_destroy(state) }

    func encode(_ samples: [Float]) -> [UInt8] {
      var packet = [UInt8](repeating: 0, count: 4000)
      let length = opus_multistream_encode_float(state, samples, Int32(samples.count), &packet, 4000)
      precondition(length > 0)
      return Array(packet[..<Int(length)])
    }
  }
}

/// Something like a voice: harmonics that glide, and breath, in syllables with hardly anything between them.
func voice(_ position: Int) -> Float { voiceSecond[position % 48_000] }

/// It repeats itself after a second.
private let voiceSecond: [Float] = (0..<48_000).map { position in
  let time = Double(position) / 48_000
  let pitch = 2 * Double.pi * (140 * time + 4 * sin(2 * .pi * time))
  let beat = sin(2 * .pi * time)
  let envelope = 0.2 * max(0.01, 1 - pow(beat, 16))
  var sum = 0.0
  for harmonic in 1...8 { sum += sin(pitch * Double(harmonic)) / Double(harmonic) }
  let hash = UInt32(truncatingIfNeeded: position &* 2_654_435_761) &* 2_246_822_519
  return Float(envelope * (sum + 0.3 * Double(Int32(bitPattern: hash ^ (hash >> 15))) / 2_147_483_648))
}

/// The part of a sound that is a sine of a known frequency.
struct ToneFit {
  let amplitude: Double
  let phase: Double
  /// Power of the rest over that of the tone, in decibels.
  let residue: Double

  init(_ samples: ArraySlice<Float>, hertz: Double) {
    let step = 2 * Double.pi * hertz / 48_000
    var (ss, cc, sc, xs, xc, power) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for (index, sample) in samples.enumerated() {
      let (s, c, x) = (sin(step * Double(index)), cos(step * Double(index)), Double(sample))
      (ss, cc, sc, xs, xc, power) = (ss + s * s, cc + c * c, sc + s * c, xs + x * s, xc + x * c, power + x * x)
    }
    let whole = ss * cc - sc * sc
    let (a, b) = ((xs * cc - xc * sc) / whole, (xc * ss - xs * sc) / whole)
    let fitted = a * xs + b * xc
    amplitude = (a * a + b * b).squareRoot()
    phase = atan2(b, a)
    residue = 10 * log10(max(power - fitted, 1e-20) / fitted)
  }
}
