import AudioCore

/// Takes decoded sound: a player or a test.
protocol SoundSink: AnyObject, Sendable {
  /// One block of interleaved 48 kHz floats in the layout's order. Called in order, from the receiver's thread.
  func receive(_ pcm: UnsafeBufferPointer<Float>, frames: FrameCount, layout: ChannelLayout)
}

/// Where decoded sound is measured, recorded and played.
struct SoundTap: ~Copyable {
  let layout: ChannelLayout
  private var meters: [ChannelMeter]
  private var wav: WAVWriter?
  private var recordingError: WAVError?
  private let sink: (any SoundSink)?
  /// Frames of sound since the first packet was played.
  private var heardFrames = 0

  /// Encoder and decoder start up within this; it is not measured.
  static let settle: FrameCount = 24_000

  init(_ layout: ChannelLayout, wav: consuming WAVWriter?, sink: (any SoundSink)?) {
    self.layout = layout
    meters = [ChannelMeter](repeating: ChannelMeter(), count: layout.count)
    self.wav = wav
    self.sink = sink
  }

  /// Whether the measured span has begun.
  var isMeasuring: Bool { heardFrames > Self.settle.value }
  var measured: HostDuration { FrameCount(max(heardFrames - Self.settle.value, 0)).duration(at: .codec) }
  var recordingTrouble: String? { recordingError?.message }

  /// One block of interleaved sound.
  mutating func hear(_ block: UnsafeBufferPointer<Float>, frames: FrameCount) {
    heardFrames += frames.value
    for channel in meters.indices {
      meters[channel].feed(block, channel: channel, channels: meters.count, measuring: isMeasuring)
    }
    sink?.receive(block, frames: frames, layout: layout)
    record(block)
  }

  private mutating func record(_ block: UnsafeBufferPointer<Float>) {
    guard wav != nil else { return }
    do throws(WAVError) { try wav?.append(block) } catch {
      recordingError = error
      wav = nil
    }
  }

  /// Levels since the call before.
  mutating func takeLevels() -> [LevelReading] {
    var levels: [LevelReading] = []
    for channel in meters.indices { levels.append(meters[channel].takeRecent()) }
    return levels
  }

  var channels: [Summary.Channel] {
    zip(layout.names, meters).map {
      Summary.Channel(name: $0, level: $1.spanReading, frequency: nil, tone: nil, breaks: $1.tracker.breaks)
    }
  }

  var newest: [[Float]] { meters.map(\.newest) }
}
