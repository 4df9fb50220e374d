import AudioCore
import CLoudness
import CPeers
import Glibc
import Mixer

/// Limiters and compressors that others use, beside ours on the same sound; of limiters also what each lets through above a
/// ceiling of −1 dBTP. A peer that is not installed is left out, and that is said.
func peerCases() throws(BenchError) -> [Case] {
  let frames = 1024
  let sounds = [("noise bursts", HardNoise.bursts), ("white noise", .white)]
  let ours = sounds.map { name, kind in (name, overshoot(of: OurLimiter(frames: frames), kind)) }
  var cases: [Case] = []
  for peer in Peer.all {
    guard let other = peer.make(frames) else {
      complain("bench: peers/\(peer.name): not installed, left out\n")
      continue
    }
    var note: String?
    if peer.isLimiter {
      let others = sounds.map { _, kind in peer.make(frames).map { overshoot(of: $0, kind) } ?? .nan }
      note = zip(ours, others).map { own, other in
        "\(own.0): ours \(signed(own.1)) dB above the ceiling, theirs \(signed(other)) dB"
      }.joined(separator: "; ")
    }
    let (own, programme) = (
      peer.isLimiter ? OurLimiter(frames: frames) : OurCompressor(frames: frames), LoudPair(frames)
    )
    let (left, right) = (Place(), Place())
    cases.append(
      Case(
        name: "peers/\(peer.name)", unit: "stereo frame", unitsPerBatch: 4 * frames,
        ours: { for _ in 0..<4 { own.run(programme.next(left)) } },
        floor: { for _ in 0..<4 { other.run(programme.next(right)) } }, note: note))
  }
  return cases
}

/// One of them: works on two planes of `frames` frames in place, or keeps what it made for itself.
private class StereoPeer {
  let frames: Int

  init(frames: Int) { self.frames = frames }

  func run(_ planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>) { preconditionFailure("a peer does something") }

  /// What came of the block that was run last, interleaved.
  func heard(_ planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>) -> ArraySlice<Float> {
    (0..<frames).flatMap { [planes[0][$0], planes[1][$0]] }[...]
  }
}

private final class OurLimiter: StereoPeer {
  private var kernel = TruePeakLimiter(rate: .codec, layout: .stereo)
  override func run(_ planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>) {
    kernel.process(planes, frames: frames)
  }
}

private final class OurCompressor: StereoPeer {
  private var kernel = Compressor(rate: .codec, channels: 2)
  override func run(_ planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>) {
    kernel.process(planes, frames: frames)
  }
}

/// Through libavfilter, at the rates that its chain names.
private final class FilterChain: StereoPeer {
  private let chain: OpaquePointer
  private var input: [Float]
  private var output: [Float]
  private var made = 0

  init?(_ text: String, frames: Int) {
    guard let chain = cpeers_filter_open(text, Int32(frames)) else { return nil }
    self.chain = chain
    input = [Float](repeating: 0, count: 2 * frames)
    output = [Float](repeating: 0, count: 8 * frames)
    super.init(frames: frames)
  }

  deinit { cpeers_filter_close(chain) }

  override func run(_ planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>) {
    for frame in 0..<frames {
      input[2 * frame] = planes[0][frame]
      input[2 * frame + 1] = planes[1][frame]
    }
    made = Int(cpeers_filter_run(chain, input, &output, Int32(4 * frames)))
    precondition(made >= 0)
  }

  override func heard(_ planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>) -> ArraySlice<Float> {
    output[..<(2 * made)]
  }
}

/// Through the plain LV2 interface.
private final class Plugin: StereoPeer {
  private let plugin: OpaquePointer

  init?(_ name: String, _ controls: [String: Float], frames: Int) {
    guard
      let plugin = cpeers_plugin_open(
        "/usr/lib/lv2/lsp-plugins.lv2", "lsp-plugins-lv2-1.2.5.so", "http://lsp-plug.in/plugins/lv2/", name,
        Int32(frames))
    else { return nil }
    for (symbol, value) in controls {
      let isThere = cpeers_plugin_set(plugin, symbol, value)
      precondition(isThere, "\(name) has no \(symbol)")
    }
    self.plugin = plugin
    super.init(frames: frames)
  }

  deinit { cpeers_plugin_close(plugin) }

  override func run(_ planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>) {
    cpeers_plugin_run(plugin, planes[0], planes[1], Int32(frames))
  }
}

/// What is compared, each as its makers mean it to be used at a ceiling of −1 dB: without level of its own doing, and with
/// the look-ahead of 5 ms that both have for a start.
private struct Peer {
  let name: String
  let isLimiter: Bool
  let make: (Int) -> StereoPeer?

  static let ceiling: Float = 0.8912509

  static var all: [Peer] {
    let alimiter = { (hertz: Int) in
      Peer(name: "limiter/alimiter-\(hertz / 1000)k", isLimiter: true) { frames in
        FilterChain("aresample=\(hertz),alimiter=limit=\(ceiling):level=disabled", frames: frames)
      }
    }
    let lsp = { (name: String, mode: Float) in
      Peer(name: "limiter/lsp-\(name)", isLimiter: true) { frames in
        Plugin("limiter_stereo", ["ovs": mode, "th": ceiling, "boost": 0, "alr": 0], frames: frames)
      }
    }
    return [alimiter(192_000), lsp("half-x4", 6), lsp("full-x4", 16), lsp("full-x8", 20)] + [
      Peer(name: "compressor/lsp", isLimiter: false) { frames in
        Plugin("compressor_stereo", ["cr": 4, "at": 10, "rt": 100, "al": 0.0630957], frames: frames)
      },
      Peer(name: "compressor/acompressor", isLimiter: false) { frames in
        FilterChain("acompressor=threshold=0.0630957:ratio=4:attack=10:release=100", frames: frames)
      },
    ]
  }
}

/// What limiters fail at, ten seconds of it.
private enum HardNoise {
  case bursts, white

  func fill(
    _ planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>, at place: Int, _ frames: Int, _ state: inout UInt64
  ) {
    for frame in 0..<frames {
      let since = Float((place + frame) % 12_000) / 48_000
      let envelope: Float = self == .bursts ? 2 * expf(-since / 0.04) : 1
      for channel in 0..<2 {
        // The sum of twelve even ones is nearly normal, of variance one.
        var sum: Float = 0
        for _ in 0..<12 {
          state ^= state << 13
          state ^= state >> 7
          state ^= state << 17
          sum += Float(Int32(truncatingIfNeeded: state)) / Float(Int32.max)
        }
        planes[channel][frame] = envelope * sum / 2
      }
    }
  }
}

/// The highest true peak by libebur128, in decibels above −1 dBTP. The first second, in which a peer may find itself, does
/// not count.
private func overshoot(of peer: StereoPeer, _ kind: HardNoise) -> Double {
  let frames = peer.frames
  var meter = ebur128_init(2, 48_000, Int32(EBUR128_MODE_TRUE_PEAK.rawValue))
  defer { ebur128_destroy(&meter) }
  let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)
  for channel in 0..<2 { (planes + channel).initialize(to: .allocate(capacity: frames)) }
  defer {
    for channel in 0..<2 { planes[channel].deallocate() }
    planes.deallocate()
  }
  var state: UInt64 = 0x9E37_79B9_7F4A_7C15
  var place = 0
  while place < 480_000 {
    kind.fill(planes, at: place, frames, &state)
    peer.run(planes)
    place += frames
    guard place > 48_000 else { continue }
    peer.heard(planes).withUnsafeBufferPointer { _ = ebur128_add_frames_float(meter, $0.baseAddress, $0.count / 2) }
  }
  var highest = 0.0
  for channel in 0..<2 {
    var peak = 0.0
    ebur128_true_peak(meter, UInt32(channel), &peak)
    highest = max(highest, peak)
  }
  return 20 * log10(highest) + 1
}

private func signed(_ decibels: Double) -> String {
  guard decibels.isFinite else { return "?" }
  return (decibels >= 0.005 ? "+" : "") + fixed(decibels, 2)
}

/// Where one side of a case is in the programme.
private final class Place { var frame = 0 }

/// The programme, so loud that a limiter has to work in every burst, a block at a time.
private final class LoudPair {
  private let programme = Programme(.stereo)
  private let frames: Int
  private let work: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  init(_ frames: Int) {
    self.frames = frames
    work = .allocate(capacity: 2)
    for channel in 0..<2 {
      (work + channel).initialize(to: .allocate(capacity: frames))
      for frame in 0..<Programme.frames { programme.planar[channel][frame] *= 5 }
    }
  }

  deinit {
    for channel in 0..<2 { work[channel].deallocate() }
    work.deallocate()
  }

  func next(_ place: Place) -> UnsafeMutablePointer<UnsafeMutablePointer<Float>> {
    for channel in 0..<2 { bareCopy(work[channel], programme.planar[channel] + place.frame, frames) }
    place.frame = (place.frame + frames) % Programme.frames
    return work
  }
}
