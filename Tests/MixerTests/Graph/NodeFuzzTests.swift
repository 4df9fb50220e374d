import AudioCore
import CRenderGuard
import Glibc
import TestSupport
import Testing

@testable import Mixer

/// Any parameters, any bits, any lengths of blocks through every kind of node: what comes out are numbers, and nothing of it
/// stays.
@Suite struct NodeFuzzTests {
  /// What comes in.
  private enum Nonsense: CaseIterable {
    /// Nothing of these is sound: nodes hear silence.
    case notNumbers, infinities, denormals, beyondSound
    /// Some of these are, and very loud.
    case anyBits, huge, sparse
  }

  private static let kinds = NodeCatalogTests.kinds + ["convolver"]

  /// A round that went wrong can be had again by its seed.
  @Test func anythingIsSurvived() throws {
    let began = Clock.now
    let seconds = 600.0
    var seed: UInt64 = 1
    var rounds = 0
    var slowest: [String: Int] = [:]
    repeat {
      for kind in Self.kinds {
        slowest[kind] = max(slowest[kind] ?? 0, try round(kind, seed))
        rounds += 1
      }
      seed += 1
    } while Breadth.isLong ? Clock.now - began < seconds : seed <= 3
    report("\(rounds) rounds in \(Clock.now - began) s")
    for (kind, blocks) in slowest.sorted(by: { $0.key < $1.key }) where blocks > 101 {
      report("\(kind): as a new one after \(Double(blocks) / 100) s at most")
    }
  }

  /// Returns how many hundredths of a second it took to recover.
  private func round(_ kind: String, _ seed: UInt64) throws -> Int {
    var random = SeededGenerator(seed &* 1000 &+ UInt64(Self.kinds.firstIndex(of: kind) ?? 0))
    let descriptor = try #require(NodeCatalog.linked[kind])
    let settings = Self.settings(descriptor, &random)
    let probe: ProcessorProbe
    do { probe = try ProcessorProbe(kind, settings: settings, files: NoiseFiles()) } catch {
      // A layout that this kind does not take.
      #expect(error is NodeRefusal || error is GraphError, "\(kind), seed \(seed): \(error)")
      return 0
    }
    var isSound = false
    render_guard_count_apart(1)
    for _ in 0..<Int.random(in: 20...120, using: &random) {
      if Int.random(in: 0..<3, using: &random) == 0 { Self.move(probe, &random) }
      let nonsense = Nonsense.allCases.randomElement(using: &random)!
      isSound = isSound || [.anyBits, .huge, .sparse].contains(nonsense)
      let frames =
        Bool.random(using: &random) ? Int.random(in: 1...512, using: &random) : Int.random(in: 1...16, using: &random)
      let out = probe.render(frames) { _, frame in Self.sample(nonsense, frame, &random) }
      let isFinite = out.allSatisfy { $0.allSatisfy(\.isFinite) }
      #expect(isFinite, "\(kind), seed \(seed): \(nonsense) \(settings)")
      guard isFinite else { break }
    }
    let hits = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    #expect(hits == [0, 0, 0, 0], "\(kind), seed \(seed)")
    return try expectRecovery(probe, kind, settings, wasLoud: isSound, "\(kind), seed \(seed): \(settings)")
  }

  /// A second of clean sound later it does what one does that has heard nothing else.
  private func expectRecovery(
    _ probe: ProcessorProbe, _ kind: String, _ settings: [String: SettingValue], wasLoud: Bool, _ name: String
  ) throws -> Int {
    let fresh = try ProcessorProbe(kind, settings: settings, files: NoiseFiles())
    for index in probe.parameters.specs.indices {
      probe.parameters.set(index, to: probe.parameters.specs[index].initial)
    }
    var heard = [[Double]](repeating: [], count: 2)
    var position = 0
    let second = 48_000 / 480
    for block in 0..<4 * second {
      let start = position
      let sine: (Int, Int) -> Float = { channel, frame in
        Float(0.1 * sin(Double(start + frame) * 2 * .pi * 480 / 48_000 + Double(channel)))
      }
      for (index, one) in [probe, fresh].enumerated() {
        // A tone that is its own far end is an echo, and how much of it is left depends on what was heard before.
        let out = one.render(480, isKeyed: kind != "echo_cancel", sine)
        let power = out.reduce(0.0) { $1.reduce($0) { $0 + Double($1) * Double($1) } }
        #expect(power.isFinite, "\(name)")
        heard[index].append(power)
      }
      position += 480
      // Of what was loud a release takes its time.
      guard block >= second else { continue }
      let level = { (index: Int) in 10 * log10(heard[index].suffix(20).reduce(0, +) + 1e-20) }
      let difference = level(0) - level(1)
      if abs(difference) < (Self.near[kind] ?? 0.5) { return block + 1 }
      #expect(difference > -60, "\(name): not heard")
      if !wasLoud || !Self.remembers.contains(kind) { break }
    }
    let levels = heard.map { 10 * log10($0.suffix(20).reduce(0, +) + 1e-20) }
    Issue.record("\(name): \(levels[0]) dB where a new one has \(levels[1]) after \(heard[0].count) blocks")
    return heard[0].count
  }

  /// A release takes longer where it had to take a hundred decibels; loudness is that of three seconds.
  private static let remembers: Set<String> = ["limiter", "soft_ceiling"]
  /// Noise is other noise, and a sweep is elsewhere. And what learns noise takes so much of what it holds for that, as a steady
  /// tone may be: sooner or later than one that has heard nothing else.
  private static let near = ["tone": 9.0, "denoise": 21]

  private static func sample(_ nonsense: Nonsense, _ frame: Int, _ random: inout SeededGenerator) -> Float {
    let bits = UInt32(truncatingIfNeeded: random.next())
    return switch nonsense {
    case .notNumbers: Float(bitPattern: bits | 0x7F80_0001)
    case .infinities: bits & 1 == 0 ? .infinity : -.infinity
    case .denormals: Float(bitPattern: bits & 0x807F_FFFF)
    case .beyondSound: Float(bitPattern: bits & 0x80FF_FFFF | 0x7E00_0000)
    case .anyBits: Float(bitPattern: bits)
    case .huge: Float(bitPattern: bits & 0x83FF_FFFF | 0x4800_0000)
    case .sparse: frame % 17 == 0 ? Float(bitPattern: bits) : 0.1
    }
  }

  /// A live value anywhere in its range, its ends more often.
  private static func move(_ probe: ProcessorProbe, _ random: inout SeededGenerator) {
    guard let index = probe.parameters.specs.indices.randomElement(using: &random) else { return }
    let spec = probe.parameters.specs[index]
    let value =
      switch Int.random(in: 0..<4, using: &random) {
      case 0: spec.range.lowerBound
      case 1: spec.range.upperBound
      default: spec.kind == .toggle ? 1 : Double.random(in: spec.range, using: &random)
      }
    probe.parameters.set(index, to: value)
  }

  private static func settings(
    _ descriptor: NodeDescriptor, _ random: inout SeededGenerator
  ) -> [String: SettingValue] {
    var settings: [String: SettingValue] = [:]
    for spec in descriptor.settings where spec.initial == nil || Bool.random(using: &random) {
      switch spec.kind {
      case .layout: settings[spec.name] = .text(["mono", "stereo", "5.1", "7.1"].randomElement(using: &random)!)
      case .integer(let range): settings[spec.name] = .integer(Int.random(in: range, using: &random))
      case .number(let range): settings[spec.name] = .number(Double.random(in: range, using: &random))
      case .choice(let names): settings[spec.name] = .text(names.randomElement(using: &random)!)
      case .toggle: settings[spec.name] = .toggle(Bool.random(using: &random))
      case .text where spec.name == "filters": settings[spec.name] = .text(filters(&random))
      case .text where spec.name == "path":
        settings[spec.name] = .text(NoiseFiles.path(isHead: descriptor.kind == "spatial", &random))
      case .text, .numbers: break
      }
    }
    return settings
  }

  /// None that rings for longer than a tenth of a second.
  private static func filters(_ random: inout SeededGenerator) -> String {
    (1...Int.random(in: 1...32, using: &random)).map { number in
      let hertz = Int.random(in: 100...20_000, using: &random)
      let gain = Double(Int.random(in: -150...150, using: &random)) / 10
      let kind = ["PK", "LSC", "HSC"].randomElement(using: &random)!
      return "Filter \(number): ON \(kind) Fc \(hertz) Hz Gain \(gain) dB Q 0.7"
    }.joined(separator: "\n")
  }
}

/// Files of which there are none: impulse responses of noise, as their names say. For a convolver of one channel or two,
/// for a head of 7, of 14, or all around.
private struct NoiseFiles: SoundFileAccess {
  /// At most a quarter of a second.
  static func path(isHead: Bool, _ random: inout SeededGenerator) -> String {
    let channels = (isHead ? [7, 14] : [1, 2]).randomElement(using: &random)!
    let frames = [1, 40, 700, 9000].randomElement(using: &random)!
    let rate = [44_100, 48_000].randomElement(using: &random)!
    return "/\(channels)-\(frames)-\(rate)" + (isHead && Bool.random(using: &random) ? ".sofa" : ".wav")
  }

  func reader(path: String, most: Int) throws(SoundFileError) -> any SoundFileReader {
    let numbers = path.dropFirst().prefix { $0 != "." }.split(separator: "-").compactMap { Int($0) }
    return Response(channels: numbers[0], frames: numbers[1], rate: SampleRate(hertz: numbers[2]))
  }

  func head(path: String, azimuths: [Double]) throws(SoundFileError) -> HeadResponses {
    let file = try reader(path: path, most: 14)
    let samples = Response.samples(2 * azimuths.count * (file.length?.value ?? 1))
    let count = samples.count / (2 * azimuths.count)
    return HeadResponses(
      rate: file.rate,
      planes: (0..<2 * azimuths.count).map { Array(samples[$0 * count..<($0 + 1) * count]) })
  }

  func writer(
    path: String, kind: SoundFileKind, encoding: SampleEncoding, rate: SampleRate, channels: Int
  ) throws(SoundFileError) -> any SoundFileWriter { throw SoundFileError(code: "file_error", message: "no") }

  private final class Response: SoundFileReader, @unchecked Sendable {
    let rate: SampleRate
    let channels: Int
    let length: FrameCount?
    private var rest: ArraySlice<Float>

    init(channels: Int, frames: Int, rate: SampleRate) {
      self.channels = channels
      self.rate = rate
      length = FrameCount(frames)
      rest = Self.samples(channels * frames)[...]
    }

    /// The first of each thousand is the loudest by far, so that every response is about as loud.
    static func samples(_ count: Int) -> [Float] {
      (0..<count).map { place in place % 997 == 0 ? 0.5 : MixRig.noise(0, Int64(place)) * 0.003 }
    }

    func read(_ into: UnsafeMutablePointer<Float>, frames: Int) -> Int {
      let count = min(frames, rest.count / channels)
      for (place, sample) in rest.prefix(count * channels).enumerated() { into[place] = sample }
      rest = rest.dropFirst(count * channels)
      return count
    }

    func seek(to frame: Int) {}
  }
}

private enum Clock {
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
