import AudioCore
import OpusCodec
import Wire

/// What `mic send` is to do, out of the command line's words. Makes and opens nothing.
struct MicSendPlan {
  enum Voice: Hashable {
    case tone(Double, level: Decibels)
    case file(String)
    /// A microphone of this computer; nil is the user's default.
    case source(String?)
  }

  /// A microphone that somebody else has opened.
  enum Target {
    case sealed(host: String, port: UInt16, GameStreamKey, session: UInt32)
    case gameStream(host: String, port: UInt16, GameStreamKey, keyID: Int32)
    case local(path: String)
  }

  var voice: Voice
  var way: MicWay
  /// Nil: one is opened for the purpose.
  var target: Target?
  var padding: GameStreamMicSender.Padding
  var talk: MicTalk.Settings
  /// Of wall time, whatever is sent.
  var seconds: Double?

  static let flags: Set<String> = ["--source", "--dtx", "--fec", "--no-fec", "--double-padding"]
  static let values: Set<String> = FaultPlan.values.subtracting(["--lose-limit"])
    .union([
      "--tone", "--level", "--wav", "--source", "--protocol", "--to", "--rikey", "--rikeyid", "--session-id",
      "--seconds", "--bitrate", "--frame", "--channels", "--ppm", "--mute-after", "--remote", "--name",
    ])

  init(_ options: Options) throws {
    voice = try Self.voice(options)
    guard let way = MicWay(rawValue: options.value("--protocol") ?? "sealed") else {
      throw Self.usage("--protocol \(options.value("--protocol")!): sealed, gamestream or local")
    }
    self.way = way
    try Self.refuseStrangers(options, way)
    target = try options.value("--to").map { try Self.target($0, way, options) }
    padding = options.has("--double-padding") ? .double : .single
    let faults = try FaultPlan(options)
    talk = MicTalk.Settings(codec: try Self.codec(options, faults))
    talk.faults = faults
    seconds = try options.number("--seconds", in: 0.1...1e6)
    talk.length = seconds.map { FrameCount(Int($0 * 48_000)) }
    talk.mutedFrom = try options.number("--mute-after", in: 0...1e6).map { FrameCount(Int($0 * 48_000)) }
    talk.ppm = try options.number("--ppm", in: -10_000...10_000) ?? 0
    if talk.ppm != 0, case .source = voice {
      throw Self.usage("--ppm shifts a clock of ours; a microphone has its own")
    }
  }

  private static func usage(_ message: String) -> Failure { Failure(.usage, "usage", message) }

  private static func voice(_ options: Options) throws -> Voice {
    let isSource = options.has("--source") || options.value("--source") != nil
    let given = [options.value("--tone") != nil, options.value("--wav") != nil, isSource]
    guard given.count(where: { $0 }) <= 1 else {
      throw usage("--tone, --wav and --source each say what to send; one of them can")
    }
    // `send --source NAME` leaves the name among the words.
    try options.refuseWords(beyond: options.has("--source") && options.value("--source") == nil ? 2 : 1)
    let level = try options.number("--level", in: -120...0)
    if let frequency = try options.number("--tone", in: 1...23_000) {
      return .tone(frequency, level: Decibels(level ?? -20))
    }
    guard level == nil else { throw usage("--level is of a tone; --tone HZ makes one") }
    if let path = options.value("--wav") {
      guard options.value("--remote") == nil else { throw usage("--remote is where a microphone is; a file has none") }
      return .file(path)
    }
    return .source(options.value("--source") ?? (options.words.count > 1 ? options.words[1] : nil))
  }

  /// Every option that another one makes senseless.
  private static func refuseStrangers(_ options: Options, _ way: MicWay) throws {
    let isOwn = options.value("--to") == nil
    for name in ["--rikey", "--rikeyid", "--session-id"] where options.value(name) != nil {
      guard !isOwn else { throw usage("\(name) is of a microphone that is open already; it needs --to") }
      guard way != .local else { throw usage("\(name) is of a network's microphone; a local one has no key") }
    }
    if way != .sealed, options.value("--session-id") != nil { throw usage("--session-id needs --protocol sealed") }
    if way != .gamestream {
      if options.value("--rikeyid") != nil { throw usage("--rikeyid needs --protocol gamestream") }
      if options.has("--double-padding") { throw usage("--double-padding needs --protocol gamestream") }
    }
    if !isOwn, options.value("--name") != nil {
      throw usage("--name is of a microphone that is opened here; --to names one that is open")
    }
  }

  private static func target(_ to: String, _ way: MicWay, _ options: Options) throws -> Target {
    func needed(_ name: String, _ what: String) throws -> String {
      guard let value = options.value(name) else { throw usage("--to needs \(name), \(what)") }
      return value
    }
    if way == .local {
      guard to.contains("/") else { throw usage("--to \(to): the path of a socket, such as /run/user/1000/mic.sock") }
      return .local(path: to)
    }
    let (host, port) = try Endpoint.parse(to, of: "--to")
    let key = try Endpoint.key(try needed("--rikey", "the session's key"), of: "--rikey")
    if way == .gamestream {
      let number = try Endpoint.keyID(try needed("--rikeyid", "the number that goes with the key"), of: "--rikeyid")
      return .gameStream(host: host, port: port, key, keyID: number)
    }
    let text = try needed("--session-id", "as mic.open answered it")
    guard let session = UInt32(text) else { throw usage("--session-id \(text): a number of 32 bits") }
    return .sealed(host: host, port: port, key, session: session)
  }

  private static func codec(_ options: Options, _ faults: FaultPlan?) throws -> OpusConfiguration {
    let channels = try options.integer("--channels", in: 1...2) ?? 1
    let milliseconds = try options.number("--frame", in: 0...120) ?? 20
    guard let frame = FrameDuration(microseconds: Int((milliseconds * 1000).rounded())) else {
      throw usage("--frame \(options.value("--frame")!): 2.5, 5, 10 or 20")
    }
    guard !options.has("--fec") || !options.has("--no-fec") else {
      throw usage("--fec and --no-fec contradict each other")
    }
    let canCopy = frame.frames >= FrameDuration.ms10.frames
    guard canCopy || !options.has("--fec") else { throw usage("--fec: packets under 10 ms have no room for copies") }
    var codec = OpusConfiguration.standard(
      layout: channels == 1 ? .mono : .stereo,
      bitrate: try options.integer("--bitrate", in: 1...1_000_000) ?? 64_000 * channels, frame: frame)
    codec.application = .voip
    codec.variableBitrate = true
    codec.discontinuous = options.has("--dtx")
    if canCopy, !options.has("--no-fec") { codec.expectedLoss = max(15, Int((faults?.loss ?? 0) * 100)) }
    do throws(OpusError) { try codec.validate() } catch {
      throw usage("--bitrate and --frame: \(error.message)")
    }
    return codec
  }
}
