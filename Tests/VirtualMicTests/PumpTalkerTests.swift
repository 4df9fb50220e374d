import AudioCore
import AudioIO
import Synchronization
import Testing

@testable import VirtualMic

/// The pump in virtual time: several talkers, several devices.
@Suite struct PumpTalkerTests {
  let one = TalkerID(1)
  let two = TalkerID(2)

  /// Keeps the voices a pump made, by talker, in order.
  final class Voices: @unchecked Sendable {
    private let made = Mutex<[(TalkerID, Int)]>([])
    private var voices: [(TalkerID, FakeVoice)] = []
    let delay: HostDuration
    init(delay: HostDuration = .zero) { self.delay = delay }

    func make(_ talker: TalkerID) -> any TalkerVoice {
      let voice = FakeVoice(delay: delay)
      voices.append((talker, voice))
      return voice
    }
    func of(_ talker: TalkerID) -> [FakeVoice] { voices.filter { $0.0 == talker }.map(\.1) }
    var count: Int { voices.count }
  }

  func world(
    _ voices: Voices, on system: FakeSystem = FakeSystem(), limit: Int = 16, talkers: [TalkerID]
  ) -> PumpWorld {
    PumpWorld(system, voiceLimit: limit, talkers: talkers) { voices.make($0) }
  }

  @Test func talkersHaveLanesAndAreNotStrungTogether() {
    let voices = Voices()
    let world = world(voices, talkers: [one, two])
    world.step()
    for step in 0..<10 {
      world.say(.pcm([Float](repeating: Float(step), count: 4)), of: one, stepping: false)
      world.say(.pcm([Float](repeating: -Float(step), count: 4)), of: two, stepping: false)
      world.step()
    }
    let expected = (0..<10).flatMap { [Float](repeating: Float($0), count: 4) }
    #expect(world.system.device?.sound(of: one) == expected)
    #expect(world.system.device?.sound(of: two) == expected.map(-))
    #expect(world.system.device?.sound(of: nil) == [])
  }

  @Test func aPlainDeviceIsOneTalkersUntilItIsQuiet() {
    let plain = PlainMicrophone()
    let voices = Voices()
    let world = world(voices, talkers: [one, two])
    world.pump.add(MicDeviceID("plain"), for: .everyone) { plain }
    world.step()
    world.say(.pcm([1, 1]), of: one)
    world.say(.pcm([2, 2]), of: two)
    world.run(to: 0.6)
    world.say(.pcm([2, 2]), of: two)
    #expect(plain.inner.sound(of: nil) == [1, 1])
    #expect(world.device(MicDeviceID("plain"))?.crowded == 2)
    world.run(to: 0.601)
    world.say(.pcm([3, 3]), of: two)
    world.say(.pcm([1, 1]), of: one)
    #expect(plain.inner.sound(of: nil) == [1, 1, 3, 3])
    #expect(plain.inner.discards == 1, "what was left of the first is gone")
    #expect(world.system.device?.sound(of: two) == [2, 2, 2, 2, 3, 3], "the other device has a lane for each")
  }

  @Test func aTalkerIsHeardByEveryoneAndByItsOwnDevice() {
    let own = [FakeSystem(), FakeSystem()]
    let names = [MicDeviceID("own-1"), MicDeviceID("own-2")]
    let voices = Voices()
    let world = world(voices, talkers: [TalkerID(3)])
    for (name, system) in zip(names, own) { world.pump.add(name, for: .assigned, opener: system.opener) }
    world.pump.admit(one, own: names[0])
    world.pump.admit(two, own: names[1])
    world.step()
    world.say(.pcm([1, 1]), of: one)
    world.say(.pcm([2, 2]), of: two)
    world.say(.pcm([3, 3]), of: TalkerID(3))
    #expect(own[0].device?.calls == [.open(one), .push(one, [1, 1])])
    #expect(own[1].device?.calls == [.open(two), .push(two, [2, 2])])
    #expect(world.system.device?.pushed == 6)
    #expect(voices.of(one).first?.inserted.count == 1, "decoded once for both")
  }

  @Test func oneDevicesDeathIsNothingToAnother() {
    let own = FakeSystem()
    let name = MicDeviceID("own")
    let voices = Voices()
    let world = world(voices, talkers: [])
    world.pump.add(name, for: .assigned, opener: own.opener)
    world.pump.admit(one, own: name)
    world.step()
    for step in 0..<100 {
      world.run(to: Double(step) * 0.1)
      own.now = world.now
      if step == 20 {
        own.isUp = false
        own.device?.die()
      }
      world.say(.pcm([1, 1]), of: one)
    }
    #expect(world.system.device?.pushed == 200 && world.system.opens.count == 1)
    #expect(own.device?.pushed == 40 && own.opens.count > 1)
    #expect(world.device(name)?.isOpen == false && world.device()?.isOpen == true)
  }

  @Test func gapsBelongToTheTalker() {
    let voices = Voices()
    let world = world(voices, talkers: [one, two])
    world.step()
    world.say(.pcm([1, 1]), of: one)
    for step in 1...10 {
      world.run(to: Double(step) * 0.1)
      world.say(.pcm([2, 2]), of: two)
    }
    world.say(.pcm([1, 1]), of: one)
    #expect(world.system.device?.calls.filter { $0 == .discard(one) }.count == 1)
    #expect(world.system.device?.calls.contains(.discard(two)) == false)
  }

  /// Two talkers, real decoders: what one gets across does not depend on what the other sends.
  @Test func junkOfOneTalkerLeavesAnotherUntouched() throws {
    let packets = try micPackets(50)
    func run(flood: Bool) -> (sound: [Float], world: PumpWorld) {
      let world = PumpWorld(talkers: [one, two])
      world.step()
      var state: UInt64 = 7
      for (index, packet) in packets.enumerated() {
        world.run(to: Double(index) * 0.02)
        if flood {
          for _ in 0..<300 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let length = Int(state >> 40) % 60
            var bytes = (0..<length).map { UInt8(truncatingIfNeeded: state >> UInt64($0 % 56)) }
            if state % 3 == 0 { bytes = junk }
            world.say(.opus(bytes), of: two, stepping: false)
          }
        }
        world.say(.opus(packet), of: one, stepping: false)
        world.step()
      }
      return (world.system.device?.sound(of: one) ?? [], world)
    }
    let alone = run(flood: false)
    let flooded = run(flood: true)
    #expect(alone.sound.count == 50 * 1920)
    #expect(alone.sound == flooded.sound)
    let garbage = flooded.world.report(two).garbage
    #expect(garbage > 500 && flooded.world.report(one).garbage == 0)
    let told = flooded.world.events.compactMap { if case .garbage(two, let count) = $0.event { count } else { nil } }
    #expect(told.count <= 64 - garbage.leadingZeroBitCount && told.first == 1)
  }

  @Test func junkIsToldOfAtPowersOfTwo() {
    let world = PumpWorld()
    world.step()
    for _ in 0..<100 { world.say(.opus(junk)) }
    let told = world.events.compactMap { if case .garbage(_, let count) = $0.event { count } else { nil } }
    #expect(told == [1, 2, 4, 8, 16, 32, 64])
    #expect(world.report().garbage == 100 && world.system.device?.pushed == 0)
  }

  @Test func goodFramesInBetweenDoNotMakeJunkLoud() throws {
    let packet = try micPackets(1)[0]
    let world = PumpWorld()
    world.step()
    for _ in 0..<50 {
      world.say(.opus(junk))
      world.say(.opus(packet))
    }
    let told = world.events.count { if case .garbage = $0.event { true } else { false } }
    #expect(told == 6 && world.system.device?.pushed == 50 * 1920)
  }

  @Test func muteDropsBeforeTheDecoderAndWhatIsBuffered() {
    let voices = Voices(delay: .milliseconds(40))
    let world = world(voices, talkers: [one, two])
    world.step()
    world.say(.pcm([1, 1]), of: one)
    world.say(.pcm([2, 2]), of: two)
    #expect(world.system.device?.pushed == 0)
    world.pump.setMuted(true, of: one)
    world.say(.pcm([1, 1]), of: one)
    world.say(.pcm([2, 2]), of: two)
    world.run(to: 1)
    #expect(world.system.device?.sound(of: one) == [], "not even what was buffered")
    #expect(world.system.device?.sound(of: two) == [2, 2, 2, 2])
    #expect(voices.of(one).map(\.inserted.count) == [1])
    #expect(world.report(one).muted == 1 && world.report(one).frames == 1)
    world.pump.setMuted(false, of: one)
    world.say(.pcm([1, 1]), of: one)
    world.run(to: 2)
    #expect(world.system.device?.sound(of: one) == [1, 1])
    #expect(voices.of(one).map(\.inserted.count) == [1, 1], "a fresh voice after mute")
  }

  /// Mute comes while the pump is in a step that would have sounded what is buffered.
  @Test func muteHoldsWithinAStep() {
    let voices = Voices(delay: .milliseconds(40))
    let world = world(voices, talkers: [one])
    world.step()
    world.say(.pcm([1, 1]), of: one)
    world.run(to: 0.03)
    let other = FakeSystem()
    let pump = world.pump
    pump.add(MicDeviceID("other"), for: .everyone) { [one, weak pump] () throws(BackendError) in
      pump?.setMuted(true, of: one)
      return try other.opener()
    }
    world.system.now = .at(0.05)
    world.step()
    #expect(world.system.device?.pushed == 0 && other.device?.pushed == 0)
  }

  @Test func muteThrowsAwayWhatTheDeviceHolds() {
    let voices = Voices()
    let world = world(voices, talkers: [one, two])
    world.step()
    world.say(.pcm([1, 1]), of: one)
    world.say(.pcm([2, 2]), of: two)
    world.pump.setMuted(true, of: one)
    world.step()
    #expect(world.system.device?.calls.last == .discard(one))
    world.pump.setMuted(true)
    world.step()
    #expect(world.system.device?.calls.contains(.discard(two)) == true)
  }

  @Test func thePumpsMuteIsEverybodys() {
    let voices = Voices()
    let own = FakeSystem()
    let world = world(voices, talkers: [two])
    world.pump.add(MicDeviceID("own"), for: .assigned, opener: own.opener)
    world.pump.admit(one, own: MicDeviceID("own"))
    world.pump.setMuted(true)
    world.step()
    for talker in [one, two] { world.say(.pcm([1, 1]), of: talker) }
    #expect(voices.count == 0 && world.system.device?.pushed == 0)
    #expect(world.pump.report.devices.map { $0.state(at: world.now) } == [.muted, .muted])
    world.pump.setMuted(false)
    world.pump.setMuted(true, of: one)
    world.step()
    #expect(world.pump.report.devices.map { $0.state(at: world.now) } == [.idle, .muted])
    world.pump.add(MicDeviceID("nobody's"), for: .assigned, opener: own.opener)
    world.step()
    #expect(world.device(MicDeviceID("nobody's"))?.state(at: world.now) == .idle)
    world.say(.pcm([1, 1]), of: two)
    #expect(world.device()?.state(at: world.now) == .live)
  }

  @Test func admittedMutedIsMutedFromTheFirstFrame() {
    let voices = Voices()
    let world = world(voices, talkers: [])
    world.pump.admit(one, muted: true)
    world.say(.pcm([1, 1]), of: one)
    world.step()
    #expect(voices.count == 0 && world.report(one).muted == 1)
  }

  /// An admission anew must not leave something due that mute forbids: the pump would spin.
  @Test func mutedByAdmissionLeavesNothingDue() {
    let voices = Voices(delay: .milliseconds(40))
    let world = world(voices, talkers: [one])
    world.step()
    world.say(.pcm([1, 1]), of: one)
    world.pump.admit(one, muted: true)
    world.run(to: 1)
    #expect(world.system.device?.pushed == 0)
  }

  @Test func strangersAndTheDismissedAreNotHeard() {
    let voices = Voices()
    let world = world(voices, talkers: [one])
    world.step()
    world.say(.pcm([9, 9]), of: TalkerID(9))
    #expect(voices.count == 0 && world.pump.report.strangers == 1)
    world.say(.pcm([1, 1]), of: one)
    world.say(.pcm([1, 1]), of: one, stepping: false)
    world.pump.dismiss(one)
    world.step()
    #expect(world.system.device?.calls == [.open(one), .push(one, [1, 1]), .discard(one), .close(one)])
    #expect(world.pump.report.talkers.isEmpty && world.pump.report.strangers == 2 && world.pump.report.voices == 0)
  }

  @Test func aBufferingVoiceIsSteppedExactlyWhenDue() {
    let voices = Voices(delay: .milliseconds(45))
    let world = world(voices, talkers: [one])
    world.run(to: 0.5)
    world.say(.pcm([1, 1]), of: one)
    #expect(world.deadline == .at(0.545))
    world.run(to: 0.544)
    #expect(world.system.device?.pushed == 0)
    world.run(to: 0.545)
    #expect(world.system.device?.pushed == 2)
    #expect(world.deadline == .at(1.545), "the push was a sign of life")
  }

  @Test func voicesAreFreedWhenUnheardAndTheirLanesToo() {
    let voices = Voices()
    let world = world(voices, talkers: [one])
    world.step()
    world.say(.pcm([1, 1]), of: one)
    world.run(to: 30)
    #expect(world.pump.report.voices == 1)
    world.run(to: 32)
    #expect(world.pump.report.voices == 0)
    #expect(world.system.device?.calls.suffix(2) == [.discard(one), .close(one)])
    world.say(.pcm([1, 1]), of: one)
    #expect(voices.count == 2 && world.report(one).frames == 2)
  }

  @Test func voicesAreBoundedAndTheLongestUnheardGivesWay() {
    let talkers = (1...5).map { TalkerID($0) }
    let voices = Voices()
    let world = world(voices, limit: 3, talkers: talkers)
    world.step()
    for (index, talker) in talkers.prefix(3).enumerated() {
      world.run(to: Double(index) * 0.1)
      world.say(.pcm([1, 1]), of: talker)
    }
    // All three talk: a fourth must wait.
    world.say(.pcm([4, 4]), of: talkers[3])
    #expect(world.report(talkers[3]).crowded == 1 && world.pump.report.voices == 3)
    world.run(to: 0.65)
    world.say(.pcm([4, 4]), of: talkers[3])
    #expect(world.system.device?.calls.contains(.close(talkers[0])) == true)
    #expect(world.system.device?.sound(of: talkers[3]) == [4, 4])
    #expect(world.pump.report.voices == 3)
  }

  @Test func aDeviceWithoutAFreeLaneGivesTheLongestQuiet() {
    let talkers = (1...3).map { TalkerID($0) }
    let voices = Voices()
    let world = world(voices, on: FakeSystem(laneLimit: 2), talkers: talkers)
    world.step()
    world.say(.pcm([1, 1]), of: talkers[0])
    world.run(to: 0.2)
    world.say(.pcm([2, 2]), of: talkers[1])
    world.say(.pcm([3, 3]), of: talkers[2])
    #expect(world.device()?.crowded == 1)
    world.run(to: 0.7)
    world.say(.pcm([3, 3]), of: talkers[2])
    #expect(world.system.device?.sound(of: talkers[2]) == [3, 3])
    #expect(world.system.device?.calls.contains(.close(talkers[0])) == true)
  }

  @Test func soundIsFoldedToTheDevicesChannels() {
    let mono = FakeSystem(channels: 1)
    let voices = Voices()
    let world = world(voices, on: mono, talkers: [one])
    world.step()
    let samples = (0..<4000).map { Float($0 % 100) / 100 }
    world.say(.pcm(samples), of: one)
    let expected = (0..<2000).map { (frame: Int) -> Float in 0.5 * (samples[2 * frame] + samples[2 * frame + 1]) }
    #expect(mono.device?.sound(of: one) == expected)
  }
}

@Suite struct DirectVoiceTests {
  func sound(_ voice: DirectVoice, _ frame: MicFrame) -> [Float] {
    var heard: [Float] = []
    voice.insert(frame, at: .at(0))
    #expect(voice.step(at: .at(0)) { heard += Array($0) } == nil)
    return heard
  }

  @Test func decodesAndIsSilentAboutPauses() throws {
    let packet = try micPackets(1)[0]
    let voice = DirectVoice()
    #expect(sound(voice, .opus(packet)).count == 1920)
    #expect(sound(voice, .pause).isEmpty)
    #expect(sound(voice, .opus([])).isEmpty)
    #expect(voice.garbage == 0)
    #expect(sound(DirectVoice(channels: 1), .opus(packet)).count == 960)
  }

  @Test func plainSamplesAreFoldedAndLimited() {
    #expect(sound(DirectVoice(), .pcm([0.5, -3], channels: 1)) == [0.5, 0.5, -1, -1])
    #expect(sound(DirectVoice(channels: 1), .pcm([0.5, 0.25], channels: 2)) == [0.375])
  }

  @Test func whatIsNoSoundIsCounted() throws {
    let voice = DirectVoice()
    let bad: [MicFrame] = [
      .opus(junk), .pcm([.nan, 0]), .pcm([.infinity, 0]), .pcm([1, 2, 3], channels: 2), .pcm([1], channels: 0),
      .pcm([1, 1, 1], channels: 3), .pcm([Float](repeating: 0, count: 5761), channels: 1),
    ]
    for frame in bad { #expect(sound(voice, frame).isEmpty) }
    #expect(voice.garbage == UInt64(bad.count))
    #expect(sound(voice, .opus(try micPackets(1)[0])).count == 1920)
  }
}
