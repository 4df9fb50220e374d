import AudioCore
import Glibc
import OpusCodec
import TestSupport
import Wire

/// What a recorder kept of one stream.
struct Recording {
  var packets: [RecordedPacket]
  var malformed: Int
  let frame = 240

  init(packets: [RecordedPacket], malformed: Int) {
    self.packets = packets
    self.malformed = malformed
  }

  var sources: Set<UInt32> { Set(packets.map(\.header.source)) }
  var seconds: Double { (packets.last?.arrival ?? 0) - (packets.first?.arrival ?? 0) }

  /// Places where the sequence does not rise by one.
  var sequenceBreaks: [Int] {
    packets.indices.dropFirst().filter { packets[$0].header.sequence != packets[$0 - 1].header.sequence &+ 1 }
  }

  /// Frames that the timestamps skip before each packet.
  var skips: [Int: Int] {
    var found: [Int: Int] = [:]
    for index in packets.indices.dropFirst() {
      let step = Int(Int32(bitPattern: packets[index].header.timestamp &- packets[index - 1].header.timestamp))
      if step != frame { found[index] = step - frame }
    }
    return found
  }

  /// The marker stands on the first packet and after every skip, nowhere else.
  var markersAreRight: Bool {
    let skips = skips
    return packets.indices.dropFirst().allSatisfy { packets[$0].header.marker == (skips[$0] != nil) }
  }

  /// Longest time between two packets, in seconds.
  var longestPause: Double { zip(packets.dropFirst(), packets).map { $0.arrival - $1.arrival }.max() ?? 0 }

  /// Where a packet's first frame stands, in frames after the first packet's.
  func position(of index: Int) -> Int {
    Int(Int32(bitPattern: packets[index].header.timestamp &- packets[0].header.timestamp))
  }

  /// How far the media clock runs behind real time, by window of a second: the least delayed packet of each counts, so
  /// that a packet held up on its way says nothing of the clock. In seconds, relative to the first window.
  var clockOffsets: [Double] {
    var windows: [Int: Double] = [:]
    for index in packets.indices {
      let window = Int(packets[index].arrival - packets[0].arrival)
      let delay = packets[index].arrival - Double(position(of: index)) / 48_000
      windows[window] = min(windows[window] ?? .infinity, delay)
    }
    let first = windows[0] ?? 0
    return windows.keys.sorted().map { windows[$0]! - first }
  }

  /// When a decoded frame was heard at the earliest, in seconds of CLOCK_MONOTONIC.
  func arrival(ofFrame frame: Int) -> Double {
    var (low, high) = (0, packets.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if position(of: middle) <= frame { low = middle } else { high = middle - 1 }
    }
    return packets.isEmpty ? 0 : packets[low].arrival
  }

  /// Decodes everything, planar; what the timestamps skip is silence.
  func decoded(_ configuration: OpusConfiguration) throws -> [[Float]] {
    let channels = configuration.layout.count
    var planes = [[Float]](repeating: [], count: channels)
    var decoder = try OpusDecoder(configuration)
    var pcm = [Float](repeating: 0, count: 5760 * channels)
    for index in packets.indices {
      let missing = position(of: index) - planes[0].count
      if missing > 0 { for channel in 0..<channels { planes[channel] += [Float](repeating: 0, count: missing) } }
      let frames = try packets[index].payload.withUnsafeBufferPointer {
        try decoder.decode($0, into: &pcm, capacity: 5760)
      }
      for channel in 0..<channels {
        for frame in 0..<frames.value { planes[channel].append(pcm[frame * channels + channel]) }
      }
    }
    return planes
  }

  /// Loudest sample of each packet's frames, over all channels.
  func peaks(_ configuration: OpusConfiguration) throws -> [Float] {
    let channels = configuration.layout.count
    var decoder = try OpusDecoder(configuration)
    var pcm = [Float](repeating: 0, count: 5760 * channels)
    return try packets.map { packet in
      let frames = try packet.payload.withUnsafeBufferPointer { try decoder.decode($0, into: &pcm, capacity: 5760) }
      return pcm[..<(frames.value * channels)].reduce(0) { max($0, abs($1)) }
    }
  }
}
