import AudioCore
import CAppRing
import CRenderGuard
import Glibc
import Testing

@testable import AppRings

/// All of this room, one after the other: descriptors and mappings of the process are counted.
@Suite(.serialized) struct AppRingsTests {}

/// A ring, the application's end of it through the public header, and a graph that calls in periods.
final class RingRig {
  let bells: RingBells
  let ring: SharedRing
  let descriptors: SharedRing.Descriptors
  var end = streamd_ring_end()
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private var now = HostTime(nanoseconds: 1_000_000_000)
  private var reader: RingReader?
  private var writer: RingWriter?

  static let longest = 8192

  init(
    _ direction: RingDirection, channels: Int = 2, capacity: Int = 1024, low: Int? = nil, high: Int? = nil,
    rate: Int = 48_000, adopting brought: Int32? = nil, taken: Bool = true
  ) throws {
    bells = RingBells()
    let format = try RingFormat(
      direction, channels: channels, rate: SampleRate(hertz: rate), capacity: FrameCount(capacity),
      low: low.map { FrameCount($0) }, high: high.map { FrameCount($0) })
    (ring, descriptors) = try SharedRing.open(format, bells: bells, adopting: brought)
    planes = .allocate(capacity: channels)
    for channel in 0..<channels {
      planes[channel] = .allocate(capacity: Self.longest)
      planes[channel].initialize(repeating: 0, count: Self.longest)
    }
    let status = streamd_ring_map(&end, descriptors.memory ?? brought ?? -1, descriptors.space, descriptors.data)
    #expect(status == 0)
    if taken { take() }
  }

  deinit {
    streamd_ring_unmap(&end)
    for channel in 0..<ring.format.channels { planes[channel].deallocate() }
    planes.deallocate()
    for descriptor in descriptors.all { close(descriptor) }
  }

  func take() {
    reader = ring.takeReader()
    writer = ring.takeWriter()
  }

  func giveBack() {
    reader = nil
    writer = nil
  }

  // MARK: The graph

  /// One period of a graph that reads; each channel's samples. The render guard looks on.
  @discardableResult
  func read(_ frames: Int) -> [[Float]] {
    for channel in 0..<ring.format.channels {
      for frame in 0..<frames { planes[channel][frame] = .nan }
    }
    render(frames)
    return (0..<ring.format.channels).map { Array(UnsafeBufferPointer(start: planes[$0], count: frames)) }
  }

  /// One period of a graph that writes.
  func write(_ frames: Int, _ sample: (_ channel: Int, _ frame: Int) -> Float) {
    for channel in 0..<ring.format.channels {
      for frame in 0..<frames { planes[channel][frame] = sample(channel, frame) }
    }
    render(frames)
  }

  private func render(_ frames: Int) {
    streamd_render_guard_enter()
    switch reader {
    case .some(let reader): reader.read(into: planes, frames: frames, now: now)
    case .none: break
    }
    switch writer {
    case .some(let writer): writer.write(from: planes, frames: frames, now: now)
    case .none: break
    }
    streamd_render_guard_exit()
    now = now + FrameCount(frames).duration(at: ring.format.rate)
  }

  // MARK: The application

  /// Writes frames through the header; returns how many fit.
  @discardableResult
  func put(_ frames: Int, _ sample: (_ channel: Int, _ frame: Int) -> Float) -> Int {
    let channels = ring.format.channels
    var interleaved = [Float](repeating: 0, count: max(frames, 1) * channels)
    for frame in 0..<frames {
      for channel in 0..<channels { interleaved[frame * channels + channel] = sample(channel, frame) }
    }
    return Int(streamd_ring_write(&end, interleaved, UInt32(frames)))
  }

  /// Reads up to so many frames through the header, each channel apart.
  func get(_ frames: Int) -> [[Float]] {
    let channels = ring.format.channels
    var interleaved = [Float](repeating: 0, count: frames * channels)
    let count = Int(streamd_ring_read(&end, &interleaved, UInt32(frames)))
    return (0..<channels).map { channel in (0..<count).map { interleaved[$0 * channels + channel] } }
  }

  var notice: cappring_notice { cappring_look(&end) }
  var facts: RingFacts { ring.facts() }

  func faults(_ fault: RingFault) -> Int { facts.faults.first { $0.fault == fault }?.count ?? 0 }

  /// Whether the application's counter was rung since the last look.
  func isRung() -> Bool {
    bells.ringDue()
    var count: UInt64 = 0
    let bell = ring.format.direction == .source ? descriptors.space : descriptors.data
    return Glibc.read(bell, &count, 8) == 8
  }
}

/// What is told apart in every frame of every channel.
func ramp(_ channel: Int, _ frame: Int) -> Float {
  let value = Float((frame + 97 * channel) % 4096) / 8192
  return channel % 2 == 0 ? value : 0 - value
}

func tone(_ frame: Int) -> Float { Float(0.5 * sin(2 * Double.pi * 997 * Double(frame) / 48_000)) }

extension [Float] {
  /// The longest step from one sample to the next.
  var steepest: Float { zip(dropFirst(), self).map { abs($0 - $1) }.max() ?? 0 }
}

func openDescriptors() -> Int { (0..<4096).count { fcntl($0, F_GETFD) >= 0 } }

/// Rings that are mapped into this process.
func mappedRings() -> Int {
  guard let file = fopen("/proc/self/maps", "r") else { return -1 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 4096)
  var count = 0
  while fgets(&line, 4096, file) != nil {
    let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    if text.contains("memfd:streamd-ring") || text.contains("memfd:application") { count += 1 }
  }
  return count
}

/// Repeatable numbers.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state ^ (state >> 29)) &* 0xBF58_476D_1CE4_E5B9
  }
}

/// `STREAMD_SOAK` asks for the long form.
let isLong = getenv("STREAMD_SOAK") != nil
