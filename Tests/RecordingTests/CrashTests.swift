import AudioCore
import Glibc
import Recording
import SoundFiles
import TestSupport
import Testing

/// What was captured is there after whatever has happened to the process.
@Suite struct CrashTests {
  @Test func whatAKilledProcessHadIsThere() throws {
    var generator = SystemRandomNumberGenerator()
    for round in 0..<Breadth.rounds(short: 4, long: 100) {
      let scratch = Scratch()
      let folder = scratch.path + "/take"
      let victim = try Child([BuiltProgram.path("recorder-victim"), folder, scratch.path + "/live"])
      usleep(UInt32(60_000 + generator.next(upperBound: UInt32(120_000)) + (round == 0 ? 200_000 : 0)))
      if round == 0 {
        #expect(throws: RecordingError.self) { try CrashScan().recover(folder) }
      }
      victim.signal(SIGKILL)
      while victim.status == nil { usleep(1000) }
      let told = victim.standardOutput.utf8.count
      guard let outcome = try? CrashScan().recover(folder) else {
        // Killed before there was anything.
        #expect(told == 0)
        continue
      }
      // The block that was being told of when the blow came may be there or not.
      #expect(outcome.frames / 256 - told <= 1 && outcome.frames / 256 >= told, "told \(told), found \(outcome.frames)")
      let (reader, bytes) = try samples(of: folder)
      let gaps = reader.gaps
      #expect(reader.frames == outcome.frames && reader.broken.isEmpty && !reader.isGrowing)
      #expect(gaps.allSatisfy { $0.length == 1000 })
      #expect(
        Ramp.mismatch(bytes, reader.format, from: 0) { at in
          gaps.contains { $0.position <= at && at < $0.position + $0.length }
        } == nil)
      #expect(try reader.verify().isEmpty)
      // Once more changes nothing.
      let again = try CrashScan().recover(folder)
      #expect(!again.isNews && again.frames == outcome.frames && again.length == outcome.length)
      #expect(try Disk().list(scratch.path + "/live").isEmpty)
    }
  }

  /// A machine that lost power has no memory: what had come to the disk is there.
  @Test func aLossOfPowerCostsWhatWasNotSaved() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .stereo, samples: .integer16)
    var fed: HandFed? = try HandFed(format, in: scratch.path, chunkBytes: 65_536)
    let folder = fed!.recording.terms.folder
    for round in 0..<100 {
      fed!.feed(480)
      if round < 80 { fed!.recording.step(at: fed!.now) }
    }
    let saved = fed!.recording.facts.savedFrames
    fed = nil
    for name in try Disk().list(scratch.path + "/live") { unlink(scratch.path + "/live/" + name) }
    // And the last line of the manifest was torn.
    try Disk().append(Array("0badc0de sealed n=7 fra".utf8), to: folder + "/manifest")
    let outcome = try CrashScan().recover(folder)
    #expect(outcome.frames == saved && saved == 80 * 480)
    let (reader, bytes) = try samples(of: folder)
    #expect(Ramp.mismatch(bytes, format, from: 0) == nil && reader.length == saved)
    #expect(!(try RecordingReader(folder).isGrowing))
  }

  /// Whatever the bytes are, they are read or refused.
  @Test func brokenFilesNeverCrash() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .stereo, samples: .integer16)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 8192)
    for _ in 0..<20 {
      fed.feed(480)
      fed.skip(10)
      fed.recording.step(at: fed.now)
    }
    #expect(fed.recording.finish(at: fed.now))
    let folder = fed.recording.terms.folder
    var generator = Lottery(seed: 7)
    for round in 0..<Breadth.rounds(short: 60, long: 5000) {
      let copy = scratch.path + "/copy"
      _ = try Child.run(["sh", "-c", "rm -rf \(copy); cp -r \(folder) \(copy)"])
      for _ in 0..<Int(generator.next() % 4 + 1) {
        let names = try Disk().list(copy)
        let path = copy + "/" + names[Int(generator.next() % UInt64(names.count))]
        let file = try Disk().open(path, forWriting: true)
        switch generator.next() % 4 {
        case 0: try file.truncate(to: Int(generator.next() % UInt64(max(1, try file.size))))
        case 1:
          // Numbers are likely to hurt.
          let number = [UInt64.max, 1 << 63, 0, 1 << 40, generator.next()][Int(generator.next() % 5)]
          let place = [0, 8, 16, 20, 24, 28, 32, 56, 64, 72, 128, 2048, 2056, 2060, 4092, 4096, 4104]
          try withUnsafeBytes(of: number) { try file.write($0, at: place[Int(generator.next() % 17)]) }
        default:
          try withUnsafeBytes(of: generator.next()) {
            try file.write(UnsafeRawBufferPointer(rebasing: $0[..<1]), at: Int(generator.next() % 8192))
          }
        }
      }
      if round % 2 == 0 { _ = try? CrashScan().recover(copy) }
      guard let reader = try? RecordingReader(copy) else { continue }
      _ = try? reader.verify()
      // Gaps may be told to be long: only what a person would read.
      guard let range = try? reader.positions(of: .frames(0..<1 << 20)) else { continue }
      try? reader.read(range) { _ in }
    }
  }

  @Test func aStrangersMemoryIsRefused() throws {
    let scratch = Scratch()
    var generator = Lottery(seed: 11)
    for round in 0..<60 {
      let path = scratch.path + "/\(round).live"
      var bytes = (0..<(round % 3 == 0 ? 100 : 20_000)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      if round % 2 == 0 { for (index, byte) in Array("STRMLIVE".utf8).enumerated() { bytes[index] = byte } }
      try Disk().append(bytes, to: path)
      #expect(throws: RecordingError.self) { try LiveMemory(leftAt: path) }
    }
    #expect(CrashScan().left(in: scratch.path).isEmpty)
  }
}

/// Numbers that look random and come again.
struct Lottery: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
