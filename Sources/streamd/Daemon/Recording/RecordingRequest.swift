import AudioCore
import Control
import Recording
import Wiring

/// What somebody says when a recording is to begin.
struct RecordingRequest {
  static let formatParameters: [VerbParameter] = [
    .optional("type", .choice(["audio"]), default: "audio", "Only audio is recorded."),
    .optional(
      "sample_rate", .integer(RecordingFormat.rates), unit: "Hz",
      "The device's own when left out; another is an error unless convert is true."),
    .optional(
      "channels", .integer(1...ChannelLayout.limit),
      "The device's own when left out; others are an error unless convert is true."),
    .optional(
      "labels", .array(of: .string, maximumCount: 8),
      "Of the channels these alone, in this order, such as FL and FR; untouched, where `channels` may fold."),
    .optional("sample_format", .choice(SampleFormat.allCases.map(\.name)), default: "f32", "How samples are kept."),
  ]

  static let streamParameters: [VerbParameter] = [
    .optional("uri", .text(maximumBytes: 1024), "Your name for the stream, such as stream://desk/take-1."),
    .optional(
      "device", .text(maximumBytes: 512), alias: "device_identity",
      "What is recorded: a microphone's node name; alsa:PCM; jack:CLIENT; default-source; desktop or sink:NAME, which is "
        + "what a sink plays; bus:NAME, which a stream_sink node of the graph feeds; tap:NODE, which passes a tap node of it; session:ID, which is "
        + "what its encoder is given; mic:ID, which is what a client says, as it is decoded."
    ),
    .optional("format", .object(formatParameters), "What is kept."),
    .optional(
      "chunk_bytes", .integer(1...(1 << 40)), default: JSON(Recording.defaultChunkBytes), unit: "bytes",
      alias: "chunk_size_bytes", "Bytes of samples in one file; at least 4096 and a whole number of frames."),
    .optional(
      "path", .text(maximumBytes: 4000),
      "The folder of this recording, which must have none yet; one in the recordings' folder when left out."),
    .optional(
      "keep_seconds", .integer(1...86_400), unit: "s",
      "Only the newest seconds are kept, for looking back; without path they lie in memory."),
    .optional("convert", .boolean, default: false, "Resample, and fold channels, where the device differs."),
  ]

  let uri: String
  let device: String
  let rate: SampleRate?
  let channels: Int?
  /// Of the channels these alone.
  let labels: ChannelLayout?
  let samples: SampleFormat
  let chunkBytes: Int
  /// Nobody has said it.
  let isUsualChunk: Bool
  let path: String?
  let converts: Bool
  let keepSeconds: Int?
  /// Before names of arguments in errors.
  let place: String

  /// Of the flight recorder's.
  init(_ hop: FlightHop, seconds: Int) {
    (uri, device, keepSeconds) = (hop.uri, hop.device, seconds)
    (rate, channels, labels, samples, path, converts, place) = (nil, nil, nil, .float32, nil, false, "")
    (chunkBytes, isUsualChunk) = (Recording.defaultChunkBytes, true)
  }

  init(_ arguments: Arguments, place: String = "") throws(ControlError) {
    self.place = place
    func text(_ name: String) throws(ControlError) -> String {
      guard let value = try arguments.optional(name, as: .string), !value.isEmpty else {
        throw ControlError(.badArgs, "\(place)\(name): missing", path: place + name)
      }
      return value
    }
    uri = try text("uri")
    guard !uri.hasPrefix(FlightHop.prefix) else {
      throw ControlError(
        .badArgs, "\(place)uri: names in \(FlightHop.prefix) are the flight recorder's", path: place + "uri",
        hint: "flight.arm")
    }
    device = try text("device")
    let format = try arguments.optional("format", as: .object)
    rate = try format?.optional("sample_rate", as: .integer).map { SampleRate(hertz: $0) }
    channels = try format?.optional("channels", as: .integer)
    labels = try Self.labels(format, place)
    guard labels == nil || channels ?? labels?.count == labels?.count else {
      throw ControlError(
        .badArgs, "\(place)format.channels: labels are \(labels?.count ?? 0)", path: place + "format.channels")
    }
    samples = SampleFormat(name: try format?.optional("sample_format", as: .string) ?? "f32") ?? .float32
    let told = try arguments.optional("chunk_bytes", as: .integer)
    chunkBytes = told ?? Recording.defaultChunkBytes
    isUsualChunk = chunkBytes == Recording.defaultChunkBytes
    path = try arguments.optional("path", as: .string)
    keepSeconds = try arguments.optional("keep_seconds", as: .integer)
    converts = try arguments.optional("convert", as: .boolean) ?? false
    if let path, !path.hasPrefix("/") {
      throw ControlError(
        .badArgs, "\(place)path: \"\(path)\" is no absolute path", path: place + "path",
        hint: "the daemon has a working directory of its own")
    }
  }

  private static func labels(_ format: Arguments?, _ place: String) throws(ControlError) -> ChannelLayout? {
    guard let words = try format?.optional("labels", as: .array(of: .string)) else { return nil }
    let labels = words.compactMap { ChannelLabel(name: $0) }
    guard labels.count == words.count, let layout = ChannelLayout(labels) else {
      throw ControlError(
        .badArgs, "\(place)format.labels: each once, of \(ChannelLabel.allCases.map(\.name).joined(separator: " "))",
        path: place + "format.labels")
    }
    return layout
  }

  /// The usual size is one that fits.
  func chunkBytes(_ format: RecordingFormat) -> Int {
    guard isUsualChunk else { return chunkBytes }
    // What is to go must not wait for a long chunk.
    let most = keepSeconds.map { max(4096, $0 * format.bytesPerSecond / 8) } ?? chunkBytes
    return max(1, min(chunkBytes, most) / format.frameBytes) * format.frameBytes
  }

  /// An error about one of its arguments.
  func refusal(_ name: String, _ message: String, hint: String? = nil, detail: String? = nil) -> ControlError {
    ControlError(.badArgs, "\(place)\(name): \(message)", path: place + name, hint: hint, detail: detail)
  }

  /// Whether what the device has is what is wanted.
  func check(rate own: SampleRate, layout: ChannelLayout?) throws(ControlError) {
    guard !converts else { return }
    if let rate, rate != own {
      throw refusal(
        "format.sample_rate", "\(device) runs at \(own.hertz) Hz, not \(rate.hertz)",
        hint: "sample_rate \(own.hertz), or convert: true", detail: "rate_mismatch")
    }
    if let labels {
      guard let layout, Set(labels.labels).isSubset(of: layout.labels) else {
        throw refusal(
          "format.labels",
          "\(device) has \(layout.map { $0.names.joined(separator: " ") } ?? "channels that it does not name")",
          detail: "channel_mismatch")
      }
      return
    }
    if let channels, let layout, layout.count != channels {
      throw refusal(
        "format.channels",
        "\(device) has \(layout.count) channels (\(layout.names.joined(separator: " "))), not \(channels)",
        hint: "channels \(layout.count), or convert: true", detail: "channel_mismatch")
    }
  }

  /// The channels that come from the device.
  func layout(_ own: ChannelLayout?) throws(ControlError) -> ChannelLayout {
    guard let channels, labels == nil else { return own ?? .stereo }
    if let own, own.count == channels { return own }
    guard let layout = ChannelLayout.usual(channels) else {
      throw refusal("format.channels", "1 to 8, not \(channels)")
    }
    return layout
  }
}

extension RecordingError {
  func controlError(_ request: RecordingRequest? = nil) -> ControlError {
    let path = field.map { (request?.place ?? "") + $0 }
    let kind: ControlError.Code =
      switch code {
      case .badField, .gap, .empty: .badArgs
      case .exists, .inUse: .conflict
      case .notFound: .notFound
      case .damaged, .disk, .memory: .unavailable
      }
    return ControlError(kind, message, path: path, hint: hint, detail: code.rawValue)
  }
}
