import AudioCore
import Glibc

/// Where the sound to be sent comes from.
protocol MicSound: AnyObject {
  /// The next frames, interleaved at 48 kHz. Every call but those that wait fills the whole buffer.
  func fill(_ samples: UnsafeMutableBufferPointer<Float>) -> MicSoundOutcome
  /// It has a clock of its own, which says when a packet is full.
  var isLive: Bool { get }
}

enum MicSoundOutcome: Hashable, Sendable {
  /// After so many frames that were let go.
  case filled(after: Int)
  /// A live sound that has not got so much yet.
  case waiting
  case ended
}

/// A steady sine on all channels.
final class ToneSound: MicSound {
  let isLive = false
  private let channels: Int
  private let turn: Double
  private let amplitude: Double
  private var phase = 0.0

  init(frequency: Double, level: Decibels, channels: Int) {
    self.channels = channels
    turn = 2 * Double.pi * frequency / 48_000
    amplitude = level.amplitude
  }

  func fill(_ samples: UnsafeMutableBufferPointer<Float>) -> MicSoundOutcome {
    for frame in 0..<samples.count / channels {
      let sample = Float(amplitude * sin(phase))
      phase = (phase + turn).truncatingRemainder(dividingBy: 2 * Double.pi)
      for channel in 0..<channels { samples[frame * channels + channel] = sample }
    }
    return .filled(after: 0)
  }
}

/// What a file holds, once.
final class FileSound: MicSound {
  let isLive = false
  private let samples: [Float]
  private var at = 0

  /// Interleaved, of as many channels as are sent.
  init(_ samples: [Float]) { self.samples = samples }

  func fill(_ room: UnsafeMutableBufferPointer<Float>) -> MicSoundOutcome {
    guard at < samples.count else { return .ended }
    for index in room.indices { room[index] = at + index < samples.count ? samples[at + index] : 0 }
    at += room.count
    return .filled(after: 0)
  }
}
