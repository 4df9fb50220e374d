import AudioCore

/// The impulse responses in a sound file, at a graph's rate. Thread: control.
struct ResponseFile {
  /// One for each of the file's channels, all of the same length.
  let responses: [[Float]]
  /// Frames before the response proper, where a filter brought it to the graph's rate.
  let lead: Int

  /// What no response may exceed.
  static let longest = 4.0

  init(_ context: NodeContext, path: String, most channels: Int) throws(NodeRefusal) {
    guard let files = context.files else {
      throw NodeRefusal(code: "unavailable", message: "files are not at hand here")
    }
    let (planes, rate) = try NodeRefusal.opening { () throws(SoundFileError) in
      let file = try files.reader(path: path, most: channels)
      return (try Self.read(file), file.rate)
    }
    try self.init(context, path: path, planes: planes, rate: rate)
  }

  /// The measurements around a head nearest to these directions, in degrees to the right: left and right ear of each.
  init(_ context: NodeContext, head path: String, azimuths: [Double]) throws(NodeRefusal) {
    guard let files = context.files else {
      throw NodeRefusal(code: "unavailable", message: "files are not at hand here")
    }
    let head = try NodeRefusal.opening { () throws(SoundFileError) in try files.head(path: path, azimuths: azimuths) }
    try self.init(context, path: path, planes: head.planes, rate: head.rate)
  }

  static func isHead(_ path: String) -> Bool { path.lowercased().hasSuffix(".sofa") }

  private init(_ context: NodeContext, path: String, planes: [[Float]], rate: SampleRate) throws(NodeRefusal) {
    guard (8000...384_000).contains(rate.hertz) else {
      throw NodeRefusal(code: "bad_response", message: "\(path) has \(rate.hertz) Hz: 8000 to 384000 go")
    }
    let frames = planes[0].count
    guard frames > 0 else { throw NodeRefusal(code: "empty_response", message: "\(path) has no sound in it") }
    guard Double(frames) <= Self.longest * Double(rate.hertz) else {
      throw NodeRefusal(
        code: "long_response", message: "\(path) is longer than \(Int(Self.longest)) seconds, the longest response")
    }
    guard rate != context.rate else {
      (responses, lead) = (planes, 0)
      return
    }
    let design = SincResampler(quality: .main, from: rate, to: context.rate, channels: 1, isFixed: true)
    // What the filter rings ahead is heard too, and whole frames of it.
    let ahead = Int((Double(design.latency.value) / design.nominalRatio).rounded(.up))
    lead = ahead
    responses = planes.map { Self.resampled($0, from: rate, to: context.rate, lead: ahead) }
  }

  /// At most a frame more than is allowed.
  private static func read(_ file: any SoundFileReader) throws(SoundFileError) -> [[Float]] {
    let (chunk, channels) = (4096, file.channels)
    let most = Int(longest * Double(file.rate.hertz)) + 1
    let raw = UnsafeMutablePointer<Float>.allocate(capacity: chunk * channels)
    defer { raw.deallocate() }
    var planes = [[Float]](repeating: [], count: channels)
    while planes[0].count < most {
      let frames = try file.read(raw, frames: min(chunk, most - planes[0].count))
      guard frames > 0 else { break }
      for channel in 0..<channels {
        planes[channel] += (0..<frames).map { frame in
          let sample = raw[frame * channels + channel]
          return sample.magnitude < 1000 ? sample : 0
        }
      }
    }
    return planes
  }

  /// The same response in other frames, `lead` of them before it: as loud at every frequency.
  private static func resampled(_ plane: [Float], from: SampleRate, to: SampleRate, lead: Int) -> [Float] {
    var resampler = SincResampler(
      quality: .main, from: from, to: to, channels: 1, chunk: FrameCount(4096), isFixed: true)
    let ratio = resampler.nominalRatio
    // A whole number of frames of either rate goes before, so that the response begins on a frame.
    let common = Self.divisor(from.hertz, to.hertz)
    let (stepIn, stepOut) = (from.hertz / common, to.hertz / common)
    let steps = (lead + stepOut - 1) / stepOut
    let wanted = lead + Int((Double(plane.count) / ratio).rounded(.up)) + lead
    let input = [Float](repeating: 0, count: steps * stepIn) + plane
    var out: [Float] = []
    var made = [Float](repeating: 0, count: 4096)
    var fed = 0
    let silence = [Float](repeating: 0, count: 4096)
    while out.count < wanted + steps * stepOut - lead {
      let frames = resampler.produce(into: &made, limit: made.count, stride: 1, channelStride: made.count)
      out += made[..<frames]
      guard frames == 0 else { continue }
      if fed < input.count {
        fed += input[fed...].withUnsafeBufferPointer { rest in
          rest.baseAddress.map {
            resampler.feed($0, frames: min(rest.count, 4096), stride: 1, channelStride: rest.count)
          } ?? 0
        }
      } else {
        _ = resampler.feed(silence, frames: silence.count, stride: 1, channelStride: silence.count)
      }
    }
    let first = steps * stepOut - lead
    return out[first..<first + wanted].map { $0 * Float(ratio) }
  }

  private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
}
