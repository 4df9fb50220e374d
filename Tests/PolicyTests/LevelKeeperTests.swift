import AudioCore
import Glibc
import Testing

@testable import Policy

@Suite struct LevelKeeperTests {
  static let quanta = [64, 256, 1024]
  /// One, two and six channels, the user's balance in them.
  static let balances: [[Float]] = [[1], [1, 0.5], [0.8, 0.4, 0.8, 0.2, 0.6, 0.6]]

  private static func settings(_ change: (inout LevelSettings) -> Void = { _ in }) -> LevelSettings {
    var settings = LevelSettings()
    change(&settings)
    return settings
  }

  @Test(arguments: quanta, balances) func theCutIsWhatTheRuleSays(_ quantum: Int, _ balance: [Float]) throws {
    let user = 20 * log10(Double(balance.max() ?? 1))
    // Peaks, the mean, and more than may be cut; each at the user's volume.
    for (peak, mean, cut) in [(0.0, -40.0, 6.0), (-10, -12, 8), (0, 0, 12), (-7, -21, 0), (-4.5, -30, 1.5)] {
      var stream = ToyStream(Self.settings(), volumes: balance, quantum: quantum)
      stream.play(peak: peak - user, mean: mean - user)
      stream.run(12)
      #expect(abs(stream.keeper.cut - cut) < 0.05, "\(peak) \(mean)")
      #expect(abs(user - stream.volume - cut) <= 0.5, "\(peak) \(mean): \(stream.volume)")
      for write in stream.writes {
        #expect(write.volumes.count == balance.count)
        let factors = zip(write.volumes, balance).map { $0 / $1 }
        for factor in factors { #expect(abs(factor - factors[0]) < 1e-4 && factor <= 1) }
      }
      #expect(stream.writes.isEmpty == (cut == 0))
    }
  }

  @Test(arguments: quanta, balances) func timesAreThoseOfTheRule(_ quantum: Int, _ balance: [Float]) throws {
    let user = 20 * log10(Double(balance.max() ?? 1))
    let settings = Self.settings {
      $0.peakAttack = .milliseconds(200)
      $0.smoothing = .zero
      $0.mostCut = Decibels(60)
      $0.peakThreshold = Decibels(-12)
    }
    var stream = ToyStream(settings, volumes: balance, quantum: quantum)
    stream.play(peak: -40 - user, mean: -90)
    stream.run(5)
    stream.play(peak: -user, mean: -90)
    stream.run(3)
    // From -40 to 0 dB; it is at -6 dB after so many time constants.
    let attack = try #require(stream.time(ofCut: 6)) / log(40.0 / 6)
    #expect(abs(attack / 0.2 - 1) < 0.1, "\(attack)")
    stream.play(peak: -40 - user, mean: -90)
    stream.run(3)
    let release = try #require(stream.time(ofCut: 2)) / log(40.0 / 30)
    #expect(abs(release / 0.5 - 1) < 0.1, "\(release)")
    // The mean comes to -8 dB; -14 dB is a quarter of that power.
    var slow = ToyStream(settings, volumes: balance, quantum: quantum)
    slow.play(peak: -40 - user, mean: -8 - user)
    slow.run(4)
    let mean = try #require(slow.time(ofCut: 6)) / -log(1 - pow(10, -0.6))
    #expect(abs(mean / 1.5 - 1) < 0.1, "\(mean)")
  }

  @Test(arguments: quanta) func theSmootherHasItsTime(_ quantum: Int) throws {
    let settings = Self.settings {
      $0.peakAttack = .zero
      $0.smoothing = .milliseconds(100)
    }
    var stream = ToyStream(settings, volumes: [1], quantum: quantum)
    stream.play(peak: 4, mean: -90)
    stream.run(2)
    let time = try #require(stream.time(ofCut: 10 * 0.632))
    #expect(abs(time / 0.1 - 1) < 0.1, "\(time)")
  }

  @Test(arguments: quanta) func writesAreFewAndFarBetween(_ quantum: Int) {
    var random = Dice(seed: 3)
    var stream = ToyStream(Self.settings { $0.mostCut = Decibels(30) }, volumes: [1, 1], quantum: quantum)
    for _ in 0..<60 {
      stream.play(peak: Double.random(in: -30...6, using: &random), mean: Double.random(in: -40...0, using: &random))
      stream.run(0.3)
    }
    #expect(stream.writes.count > 20)
    for (one, next) in zip(stream.writes, stream.writes.dropFirst()) {
      #expect(next.at - one.at >= .milliseconds(100))
      let change = abs(20 * log10(Double(next.volumes[0] / one.volumes[0])))
      #expect(change >= 0.499 || next.volumes == [1, 1], "\(change)")
    }
  }

  @Test func afterLoudComesTheUsersVolumeExactly() {
    var stream = ToyStream(Self.settings(), volumes: [0.7, 0.35], quantum: 256)
    stream.play(peak: 9, mean: -30)
    stream.run(2)
    #expect(stream.volume < -6)
    stream.play(peak: -30, mean: -50)
    stream.run(8)
    #expect(stream.volumes == [0.7, 0.35])
    #expect(stream.keeper.snapshot.reduction == 0 && stream.keeper.snapshot.ceiling == nil)
  }

  @Test func silenceLetsGo() {
    var stream = ToyStream(Self.settings(), volumes: [1], quantum: 1024)
    stream.play(peak: 0, mean: -10)
    stream.run(3)
    #expect(stream.keeper.cut > 5)
    var keeper = stream.keeper
    keeper.hearSilence(for: .seconds(6), at: stream.now + .seconds(6))
    #expect(keeper.cut < 0.1)
    keeper = stream.keeper
    keeper.hearSilence(for: .seconds(3600), at: stream.now + .seconds(3600))
    #expect(keeper.cut == 0 && keeper.decide(at: stream.now + .seconds(3600)) == [1])
  }

  @Test func theUsersVolumeIsACeiling() {
    var stream = ToyStream(Self.settings(), volumes: [1, 1], quantum: 256)
    stream.play(peak: 0, mean: -40)
    stream.run(2)
    #expect(abs(stream.volume + 6) < 0.5)
    // The user turns it down further: what is audible is no longer too loud.
    let isTheirs = stream.set([0.25, 0.25])
    #expect(isTheirs)
    stream.run(3)
    #expect(stream.volumes == [0.25, 0.25] && stream.keeper.snapshot.ceiling == [0.25, 0.25])
    // And up, with another balance.
    let theirs1 = stream.set([0.8, 0.4])
    #expect(theirs1)
    stream.run(3)
    #expect(abs(stream.volume + 6) < 0.5 && abs(stream.volumes[0] / stream.volumes[1] - 2) < 1e-3)
    #expect(stream.writes.allSatisfy { $0.volumes[0] <= 1 })
  }

  @Test func strictLeavesTheStreamAlone() {
    var stream = ToyStream(Self.settings { $0.deference = .strict }, volumes: [1, 1], quantum: 256)
    stream.play(peak: 0, mean: -40)
    stream.run(2)
    let before = stream.writes.count
    let theirs2 = stream.set([0.9, 0.9])
    #expect(theirs2)
    stream.run(3)
    #expect(stream.writes.count == before && stream.volumes == [0.9, 0.9] && stream.keeper.snapshot.isDeferred)
    stream.keeper.reset()
    stream.run(3)
    #expect(stream.writes.count > before && abs(stream.volume + 6) < 0.5)
  }

  @Test(arguments: [5, 300, 900]) func ourOwnEchoesAreNotTheUser(_ milliseconds: Int64) {
    var stream = ToyStream(Self.settings(), volumes: [0.9, 0.3], quantum: 256)
    stream.echoDelay = .milliseconds(milliseconds)
    stream.play(peak: 3, mean: -40)
    stream.run(6)
    #expect(stream.keeper.snapshot.ceiling == nil)
    #expect(stream.writes.count > 0)
  }

  /// Sound that goes up and down behind a low volume, and a slow server.
  @Test(arguments: [50, 400, 1200]) func lateEchoesAtLowVolumesAreOurs(_ milliseconds: Int64) {
    var random = Dice(seed: 17)
    var stream = ToyStream(Self.settings(), volumes: [0.02, 0.01], quantum: 256)
    stream.echoDelay = .milliseconds(milliseconds)
    for _ in 0..<60 {
      stream.play(peak: Double.random(in: 20...50, using: &random), mean: -40)
      stream.run(0.4)
      #expect(stream.keeper.snapshot.ceiling == nil)
    }
    #expect(stream.writes.count > 20)
    let theirs = stream.set([0.021, 0.01])
    #expect(theirs)
  }

  @Test func aServerThatSaysNothingIsBelieved() {
    var stream = ToyStream(Self.settings(), volumes: [1], quantum: 256)
    stream.echoes = false
    stream.play(peak: 0, mean: -40)
    stream.run(10)
    #expect(abs(stream.volume + 6) <= 0.6)
  }

  @Test func whatIsLetGoIsAsItWas() {
    var stream = ToyStream(Self.settings(), volumes: [1, 0.5, 0.25], quantum: 256)
    #expect(stream.keeper.restore(at: stream.now) == nil)
    stream.play(peak: 0, mean: -40)
    stream.run(2)
    #expect(stream.keeper.restore(at: stream.now) == [1, 0.5, 0.25])
  }

  @Test func anApplicationsNextStreamIsKnown() {
    let labels = AppLabels([.processBinary: "player"])
    var memory = LevelMemory()
    var stream = ToyStream(Self.settings(), volumes: [1, 1], quantum: 256)
    stream.play(peak: 0, mean: -40)
    stream.run(2)
    memory.remember(stream.keeper.memory, for: labels)
    // It comes with what we wrote last: that is not the user's volume.
    var next = ToyStream(Self.settings(), volumes: stream.volumes, quantum: 256, memory: memory.entry(for: labels))
    next.play(peak: -30, mean: -50)
    next.run(5)
    #expect(next.volumes == [1, 1])
    // The user's ceiling is kept for a stream that comes louder.
    let theirs3 = next.set([0.5, 0.5])
    #expect(theirs3)
    memory.remember(next.keeper.memory, for: labels)
    var third = ToyStream(Self.settings(), volumes: [1, 1], quantum: 256, memory: memory.entry(for: labels))
    third.play(peak: -30, mean: -50)
    third.run(1)
    #expect(third.volumes == [0.5, 0.5] && third.keeper.snapshot.ceiling == [0.5, 0.5])
    memory.forget(labels)
    #expect(memory.entry(for: labels) == nil)
    for index in 0..<1000 { memory.remember(next.keeper.memory, for: AppLabels([.processBinary: "p\(index)"])) }
    #expect(memory.entry(for: AppLabels([.processBinary: "p0"])) == nil)
    #expect(memory.entry(for: AppLabels([.processBinary: "p999"])) != nil)
  }

  @Test func otherChannelsAreNotTheUser() {
    var stream = ToyStream(Self.settings(), volumes: [0.5, 0.5], quantum: 256)
    let theirs4 = stream.set([Float](repeating: 0.5, count: 6))
    #expect(!theirs4)
    stream.play(peak: 12, mean: -40)
    stream.run(2)
    #expect(stream.volumes.count == 6 && abs(stream.volume + 18) < 0.5)
    let theirs5 = stream.set([0.2])
    #expect(theirs5)
  }

  @Test func nonsenseIsSurvived() {
    var keeper = LevelKeeper(Self.settings(), volumes: [.nan, 1e30, -1])
    var now = HostTime(nanoseconds: 0)
    for (peak, mean) in [(Double.nan, 0.0), (.infinity, 1), (-1, -1), (0, 0), (1e300, 1e300)] {
      for frames in [0, -5, 1, 1 << 40] {
        now = now + .milliseconds(200)
        keeper.hear(LevelBlock(peak: peak, meanSquare: mean, frames: frames, rate: frames), at: now)
        let volumes = keeper.decide(at: now) ?? []
        #expect(volumes.allSatisfy { $0.isFinite && $0 >= 0 && $0 <= 100 })
      }
    }
    keeper.observe([], at: now)
    keeper.observe([0, 0], at: now)
    #expect(keeper.decide(at: now) == nil)
  }
}
