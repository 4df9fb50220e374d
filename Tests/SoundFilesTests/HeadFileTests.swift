import AudioCore
import CSofaSystem
import Glibc
import Mixer
import SoundFiles
import TestSupport
import Testing

/// Heads that somebody measured, for headphones. The file is the one that libmysofa's own package brings.
@Suite struct HeadFileTests {
  private static let head = "/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa"
  private static let files = SoundFileLibrary(headReader: BuiltProgram.path("head-reader"))
  /// Where loudspeakers are, in degrees to the right: FL FR FC LFE RL RR SL SR, and the surrounds of 5.1.
  private static let places: [ChannelLayout: [Double?]] = [
    .stereo: [-30, 30], .surround51: [-30, 30, 0, nil, -110, 110],
    .surround71: [-30, 30, 0, nil, -150, 150, -90, 90],
  ]

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func noise(_ channel: Int, _ position: Int64) -> Float {
    var bits = UInt64(bitPattern: position) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(channel + 1) &* 0xD1B5_4A32_D192_ED03
    bits ^= bits >> 29
    bits = bits &* 0xBF58_476D_1CE4_E5B9
    bits ^= bits >> 32
    return Float(Int32(truncatingIfNeeded: bits)) / Float(Int32.max) * 0.25
  }

  /// What a node makes of noise in one channel or all.
  private func played(
    path: String, layout: ChannelLayout, rate: Int, frames: Int, only: Int? = nil
  ) throws -> (ears: [[Float]], latency: Int) {
    let engine = Engine(EngineSettings(rate: SampleRate(hertz: rate), block: 512, files: Self.files))
    var graph = engine.graph
    let input = try graph.add("input", name: "in", settings: ["channels": .text(layout.title)])
    let node = try graph.add(
      "spatial", name: "node", settings: ["from": .text(layout.title), "path": .text(path)])
    let output = try graph.add("output", name: "out")
    try graph.connect(input, node)
    try graph.connect(node, output)
    let report = try engine.commit(graph)
    let run = OfflineRun(engine, layout: layout) { only == nil || only == $0 ? noise($0, $1) : 0 }
    var ears: [[Float]] = [[], []]
    while run.position < frames {
      let block = run.advance(250)
      for ear in 0..<2 { ears[ear] += UnsafeBufferPointer(start: block.channel(ear), count: block.frames) }
    }
    return (ears, report.latency.value)
  }

  /// By the library itself, whose own search finds the measurement.
  private func reference(_ azimuth: Double) throws -> (ears: [[Float]], rate: Int) {
    var status: Int32 = 0
    let file = try #require(mysofa_load(Self.head, &status))
    defer { mysofa_free(file) }
    mysofa_tocartesian(file)
    let lookup = try #require(mysofa_lookup_init(file))
    defer { mysofa_lookup_free(lookup) }
    let angle = azimuth * .pi / 180
    var place: [Float] = [Float(1.4 * cos(angle)), Float(-1.4 * sin(angle)), 0]
    let index = Int(mysofa_lookup(lookup, &place))
    let length = Int(file.pointee.N)
    let ears = (0..<2).map { ear in
      Array(UnsafeBufferPointer(start: file.pointee.DataIR.values + (2 * index + ear) * length, count: length))
    }
    return (ears, Int(file.pointee.DataSamplingRate.values[0]))
  }

  /// At the file's own rate the output is the convolution with its responses, in every layout.
  @Test(arguments: [ChannelLayout.stereo, .surround51, .surround71])
  func itIsTheConvolution(layout: ChannelLayout) throws {
    let frames = 1500
    let (ears, latency) = try played(path: Self.head, layout: layout, rate: 44_100, frames: frames)
    #expect(latency == 0)
    var wanted = [[Double]](repeating: [Double](repeating: 0, count: frames), count: 2)
    for (channel, azimuth) in try #require(Self.places[layout]).enumerated() {
      guard let azimuth else { continue }
      let response = try reference(azimuth)
      #expect(response.rate == 44_100)
      for ear in 0..<2 {
        for frame in 0..<frames {
          for (tap, weight) in response.ears[ear].enumerated() where tap <= frame {
            wanted[ear][frame] += Double(weight) * Double(noise(channel, Int64(frame - tap)))
          }
        }
      }
    }
    // Low frequencies are the node's own, and not silent: heard by themselves they are taken away.
    let low = layout.index(of: .lowFrequency)
    let own = try low.map { try played(path: Self.head, layout: layout, rate: 44_100, frames: frames, only: $0).ears }
    for ear in 0..<2 {
      var (worst, loudest) = (0.0, 0.0)
      for frame in 0..<frames {
        worst = max(worst, abs(wanted[ear][frame] + Double(own?[ear][frame] ?? 0) - Double(ears[ear][frame])))
        loudest = max(loudest, abs(wanted[ear][frame]))
      }
      #expect(loudest > 0.1)
      #expect(worst < 1e-6 * max(loudest, 1), "\(20 * log10(worst / loudest)) dB")
    }
  }

  /// Brought to the graph's rate: as loud at each frequency, and as late as is said.
  @Test(arguments: [48_000, 96_000]) func otherRatesAreResampled(rate: Int) throws {
    let first = try Self.files.head(path: Self.head, azimuths: [-30])
    let engine = try played(path: Self.head, layout: .stereo, rate: rate, frames: 250, only: 0)
    #expect(engine.latency > 0 && engine.latency < rate / 400)
    // White noise through a response has the response's power at every frequency below both rates' halves.
    let clicks = try click(rate: rate)
    for hertz in [500.0, 2000, 6000, 12_000] {
      for ear in 0..<2 {
        let wanted = power(first.planes[ear], hertz, 44_100)
        let found = power(clicks[ear], hertz, rate)
        #expect(abs(10 * log10(found / wanted)) < 0.02, "\(hertz) Hz, ear \(ear)")
      }
    }
  }

  private func click(rate: Int) throws -> [[Float]] {
    let engine = Engine(EngineSettings(rate: SampleRate(hertz: rate), block: 512, files: Self.files))
    var graph = engine.graph
    let input = try graph.add("input", name: "in")
    let node = try graph.add("spatial", name: "node", settings: ["from": .text("stereo"), "path": .text(Self.head)])
    let output = try graph.add("output", name: "out")
    try graph.connect(input, node)
    try graph.connect(node, output)
    try engine.commit(graph)
    let run = OfflineRun(engine) { $0 == 0 && $1 == 10 ? 1 : 0 }
    var ears: [[Float]] = [[], []]
    while run.position < rate / 10 {
      let block = run.advance(240)
      for ear in 0..<2 { ears[ear] += UnsafeBufferPointer(start: block.channel(ear), count: block.frames) }
    }
    return ears
  }

  private func power(_ response: [Float], _ hertz: Double, _ rate: Int) -> Double {
    var (real, imaginary) = (0.0, 0.0)
    for (tap, weight) in response.enumerated() {
      let angle = 2 * Double.pi * hertz * Double(tap) / Double(rate)
      real += Double(weight) * cos(angle)
      imaginary += Double(weight) * sin(angle)
    }
    return real * real + imaginary * imaginary
  }

  private func refusal(_ path: String, azimuths: [Double] = [0], reader: String? = nil) -> String? {
    do {
      let files = reader.map { SoundFileLibrary(headReader: $0) } ?? Self.files
      _ = try files.head(path: path, azimuths: azimuths)
    } catch { return error.code }
    return nil
  }

  @Test func whatCannotBeIsRefused() throws {
    #expect(refusal(directory.path + "/none.sofa") == "file_error")
    #expect(refusal(directory.path) == "file_unusable")
    let fifo = directory.path + "/fifo.sofa"
    #expect(mkfifo(fifo, 0o600) == 0)
    #expect(refusal(fifo) == "file_unusable")
    let text = try write("text.sofa", Array("SOFA".utf8))
    #expect(refusal(text) == "file_format")
    #expect(refusal(try write("empty.sofa", [])) == "file_format")
    // A reader that dies, never ends, lies, or is not there.
    for path in ["/crash.sofa", "/babble.sofa", "/lies.sofa"] { #expect(refusal(path) == "file_format", "\(path)") }
    #expect(refusal(Self.head, reader: "/nowhere/reader") == "file_format")
    #expect(refusal(Self.head) == nil)
  }

  /// Files that were damaged: some crash the library, and none does any harm.
  @Test func damageIsAnErrorAndNoMore() throws {
    let whole = try read(Self.head)
    var state: UInt64 = 7
    func chance(_ below: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(below))
    }
    var (refused, taken) = (0, 0)
    for round in 0..<(Breadth.isLong ? 400 : 24) {
      var bytes = whole
      if round % 2 == 0 { bytes = Array(bytes[..<chance(bytes.count)]) }
      for _ in 0..<6 where bytes.count > 8 {
        let place = round % 3 == 0 ? chance(bytes.count) : chance(min(bytes.count, 4096))
        bytes[place] = UInt8(chance(256))
      }
      let path = try write("damaged.sofa", bytes)
      do {
        let head = try Self.files.head(path: path, azimuths: [-30, 30])
        #expect(head.planes.count == 4 && head.planes.allSatisfy { $0.allSatisfy(\.isFinite) })
        taken += 1
      } catch {
        #expect(["file_format", "file_unusable", "file_error"].contains(error.code), "\(error)")
        refused += 1
      }
    }
    #expect(refused > 0)
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = directory.path + "/" + name
    let file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
    defer { close(file) }
    guard bytes.withUnsafeBytes({ Glibc.write(file, $0.baseAddress, $0.count) }) == bytes.count else {
      throw SupportError("cannot write \(path)")
    }
    return path
  }

  private func read(_ path: String) throws -> [UInt8] {
    let file = open(path, O_RDONLY)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4 << 20)
    let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
    guard count > 0 else { throw SupportError("cannot read \(path)") }
    return Array(bytes[..<count])
  }
}
