import AudioCore
import AudioIO
import Capture
import Glibc
import Mixer
import OpusCodec
import Testing
import Wire

/// From a pretended device to packets and back to sound.
@Suite struct FrameEncoderTests {
  static let configurations: [OpusConfiguration] = [
    .mono, .gameStreamStereo, .gameStreamStereoHigh, .gameStreamSurround51, .gameStreamSurround51High,
    .gameStreamSurround71, .gameStreamSurround71High, .gameStreamSurround51Paired, .gameStreamSurround71Paired,
  ]

  @Test(arguments: configurations) func everyToneArrivesInItsChannel(configuration: OpusConfiguration) throws {
    let rig = try EncoderRig(device: configuration.layout, bus: configuration.layout, configuration: configuration)
    rig.run(.seconds(2))
    let channels = configuration.layout.count
    let pcm = try rig.decoded(configuration).suffix(48_000 * channels)
    // Surround in the small sizes is coarser than the promise, which the large ones keep.
    let isLean = channels > 2 && configuration.bitrate < 1_000_000
    for channel in 0..<channels {
      for tone in 0..<channels {
        let level = EncoderRig.level(
          pcm, channel: channel, channels: channels, frequency: EncoderRig.frequency(tone))
        if tone == channel {
          #expect(abs(level + 20) < (isLean ? 1 : 0.2), "channel \(channel) carries its tone at \(level)")
        } else {
          #expect(level < -50, "tone \(tone) in channel \(channel) at \(level)")
        }
      }
    }
  }

  @Test func stereoDeviceLeavesSixOfEightSilent() throws {
    let configuration = OpusConfiguration.gameStreamSurround71High
    let rig = try EncoderRig(device: .stereo, bus: .surround71, configuration: configuration)
    rig.run(.seconds(2))
    let pcm = try rig.decoded(configuration).suffix(48_000 * 8)
    for channel in 0..<8 {
      let peak = stride(from: pcm.startIndex + channel, to: pcm.endIndex, by: 8).map { abs(pcm[$0]) }.max() ?? 0
      if channel < 2 {
        let level = EncoderRig.level(pcm, channel: channel, channels: 8, frequency: EncoderRig.frequency(channel))
        #expect(abs(level + 20) < 0.2)
      } else {
        #expect(peak < 0.0001)
      }
    }
  }

  @Test(arguments: FrameDuration.allCases, [64, 256, 1024, 8192])
  func numbersAreContiguousAcrossWraps(frame: FrameDuration, quantum: Int) throws {
    var configuration = OpusConfiguration.gameStreamStereo
    configuration.frame = frame
    let rig = try EncoderRig(device: .stereo, bus: .stereo, configuration: configuration, quantum: quantum)
    rig.run(.seconds(1))
    let headers = try rig.headers().map(\.header)
    #expect(headers.count >= (48_000 - 8192) / frame.rawValue)
    #expect(headers.first?.marker == true)
    for (before, after) in zip(headers, headers.dropFirst()) {
      #expect(after.sequence == before.sequence &+ 1)
      #expect(after.timestamp == before.timestamp &+ UInt32(frame.rawValue))
      #expect(!after.marker)
    }
    #expect(rig.sink.packets.allSatisfy { $0.count == 12 + configuration.packetBytes })
  }

  @Test func gapsShowAsMarkerAndJumpOfTheTimestamp() throws {
    var faults = FaultScript()
    faults.at(cycle: 40, .missedCycles(5))
    faults.at(cycle: 100, .deviceLost(cycles: 50))
    faults.at(cycle: 200, .quantum(1024))
    let rig = try EncoderRig(device: .stereo, bus: .stereo, configuration: .gameStreamStereo, faults: faults)
    rig.run(.seconds(3))
    let headers = try rig.headers().map(\.header)
    var jumps = 0
    for (before, after) in zip(headers, headers.dropFirst()) {
      #expect(after.sequence == before.sequence &+ 1)
      let step = after.timestamp &- before.timestamp
      #expect(step % 240 == 0 && step >= 240)
      #expect(after.marker == (step > 240))
      if step > 240 { jumps += 1 }
    }
    #expect(jumps == 2)
    let span = headers.last!.timestamp &- headers.first!.timestamp
    #expect(abs(Int(span) - 3 * 48_000) < 2048, "the media lasted as long as the run")
    let statistics = rig.encoder.statistics()
    #expect(statistics.reframed.gaps == 2)
    #expect(statistics.reframed.silentFrames > 40)
    #expect(rig.outlet.counts.packets == UInt64(headers.count))
    #expect(rig.outlet.counts.bytes == UInt64(rig.sink.packets.reduce(0) { $0 + $1.count }))
  }

  @Test func captureTimeIsOnTheWallClock() throws {
    let rig = try EncoderRig(
      device: .stereo, bus: .stereo, configuration: .gameStreamStereo, carriesCaptureTime: true)
    rig.run(.seconds(1))
    for (index, packet) in try rig.headers().enumerated() {
      let time = try #require(packet.captureTime)
      let ideal = 1_700_000_000_000_000_000 + Int64(index) * 5_000_000
      #expect(abs(time.unixNanoseconds - ideal) < 1000)
    }
  }

  @Test func levelsAreOfTheTimeSinceTheLastReading() throws {
    let rig = try EncoderRig(device: .stereo, bus: .stereo, configuration: .gameStreamStereo)
    rig.run(.seconds(1))
    let loud = rig.encoder.statistics(resetLevels: true)
    #expect(loud.peaks.allSatisfy { abs($0 - 0.1) < 0.001 })
    #expect(loud.powers.allSatisfy { abs($0 - 0.005) < 0.0001 })
    #expect(!loud.isSilent)
    rig.bus.setGain(Decibels(-120))
    rig.run(.milliseconds(200))
    _ = rig.encoder.statistics(resetLevels: true)
    rig.run(.milliseconds(200))
    #expect(rig.encoder.statistics().peaks.allSatisfy { $0 == 0 })
  }

  @Test func failedSendsAreCountedAndTheStreamGoesOn() throws {
    let rig = try EncoderRig(
      device: .stereo, bus: .stereo, configuration: .gameStreamStereo, sink: MemorySink(failure: ENETUNREACH))
    rig.run(.seconds(1))
    let counts = rig.outlet.counts
    #expect(counts.packets == 0)
    #expect(counts.sendErrors > 190)
    #expect(counts.lastSendError == ENETUNREACH)
  }

  @Test func busThatLacksAChannelIsRefused() throws {
    #expect(throws: OpusError.self) {
      try EncoderRig(device: .stereo, bus: .stereo, configuration: .gameStreamSurround51)
    }
  }
}
