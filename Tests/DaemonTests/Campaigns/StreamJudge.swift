import AudioCore
import Glibc
import OpusCodec
import TestSupport
import Wire

/// Follows one stream packet by packet for as long as a campaign lasts, and keeps only what it concludes.
///
/// Thread: the test's.
final class StreamJudge {
  /// Packets louder than this are sound; quieter than `quiet` are silence.
  static let loud: Float = 0.05
  static let quiet: Float = 0.001

  private(set) var packets = 0
  private(set) var sequenceBreaks = 0
  /// Timestamps that ran back, or skipped without saying so by the marker.
  private(set) var timestampFaults = 0
  private(set) var longestPause = 0.0
  /// When the last packet with sound came, in seconds of CLOCK_MONOTONIC.
  private(set) var lastSound = -Double.infinity
  private(set) var lastArrival = -Double.infinity
  /// Longest run of packets without sound since `beginRound`, in seconds, and when the last one ended.
  private(set) var longestHole = 0.0
  private(set) var holeEnd = -Double.infinity
  private(set) var sources: Set<UInt32> = []

  private let recorder: PacketRecorder
  private var decoder: OpusDecoder
  private let channels: Int
  private var pcm: [Float]
  private var last: RecordedPacket?
  private var firstFrame: (arrival: Double, timestamp: UInt32)?
  private var framesRun: Int64 = 0
  private var holeStart: Double?

  init(_ recorder: PacketRecorder, _ codec: OpusConfiguration) throws {
    self.recorder = recorder
    decoder = try OpusDecoder(codec)
    channels = codec.layout.count
    pcm = [Float](repeating: 0, count: 5760 * codec.layout.count)
  }

  func beginRound() {
    longestHole = 0
    holeEnd = -.infinity
  }

  /// Works off what has come.
  func follow() throws {
    for packet in recorder.take() { try judge(packet) }
  }

  /// Follows until the condition holds.
  @discardableResult
  func follow(timeout: Double, until condition: () throws -> Bool) throws -> Bool {
    try waitUntil(timeout: timeout) {
      try follow()
      return try condition()
    }
  }

  func waitForSound(after time: Double, timeout: Double = 20) throws -> Bool {
    try follow(timeout: timeout) { lastSound > time && lastArrival - lastSound < 0.02 }
  }

  /// How far the media clock is from real time now, in seconds.
  var clockOffset: Double {
    guard let firstFrame else { return 0 }
    return lastArrival - firstFrame.arrival - Double(framesRun) / 48_000
  }

  private func judge(_ packet: RecordedPacket) throws {
    packets += 1
    sources.insert(packet.header.source)
    if let last {
      if packet.header.sequence != last.header.sequence &+ 1 { sequenceBreaks += 1 }
      let step = Int32(bitPattern: packet.header.timestamp &- last.header.timestamp)
      if step <= 0 || (step != 240) != packet.header.marker { timestampFaults += 1 }
      framesRun += Int64(step)
      longestPause = max(longestPause, packet.arrival - last.arrival)
    } else {
      firstFrame = (packet.arrival, packet.header.timestamp)
    }
    last = packet
    lastArrival = packet.arrival
    let frames = try packet.payload.withUnsafeBufferPointer { try decoder.decode($0, into: &pcm, capacity: 5760) }
    let peak = pcm[..<(frames.value * channels)].reduce(0) { max($0, abs($1)) }
    if peak > Self.loud {
      if let start = holeStart {
        longestHole = max(longestHole, packet.arrival - start)
        holeEnd = packet.arrival
      }
      holeStart = nil
      lastSound = packet.arrival
    } else if holeStart == nil {
      holeStart = packet.arrival
    }
  }
}
