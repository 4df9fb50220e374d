import AudioCore

/// The head of a chunk file: all that is needed to understand the samples behind it. docs/RECORDING.md has the bytes.
public struct ChunkHeader: Sendable, Equatable {
  public struct Gap: Sendable, Equatable {
    /// Frames of this chunk that lie before it.
    public var frame: Int
    public var length: Int
    public var cause: GapCause
  }

  /// The facts that stay.
  public var recording: RecordingIdentity
  public var uri: String
  public var device: String
  public var format: RecordingFormat
  /// 1, 2, 3 …
  public var number: Int
  public var capacity: Int
  /// Frames that the recording has in the chunks before.
  public var firstFrame: Int
  /// Where in the recording's time the chunk begins.
  public var position: Int
  /// When that was, by the two clocks, in nanoseconds.
  public var wallTime: Int64
  public var monotonicTime: Int64
  /// What grows.
  public var committed = 0
  public var gaps: [Gap] = []
  public var isSealed = false
  /// Of the samples; once sealed.
  public var digest: [UInt8] = []

  public static let bytes = 8192
  public static let gapLimit = 168
  private static let magic: UInt64 = 0x4b4e_5548_4344_5453  // "STDCHUNK"
  private static let version: UInt32 = 1
  private static let liveBegin = 2048
  static let pageBytes = 4096
  private static let gapBytes = 24

  /// Frames of time it covers, gaps among them.
  public var length: Int { committed + gaps.reduce(0) { $0 + $1.length } }
  public var fileBytes: Int { Self.bytes + capacity * format.frameBytes }

  init(
    recording: RecordingIdentity, uri: String, device: String, format: RecordingFormat, number: Int, capacity: Int,
    firstFrame: Int = 0, position: Int = 0, wallTime: Int64 = 0, monotonicTime: Int64 = 0
  ) {
    self.recording = recording
    self.uri = uri
    self.device = device
    self.format = format
    self.number = number
    self.capacity = capacity
    self.firstFrame = firstFrame
    self.position = position
    self.wallTime = wallTime
    self.monotonicTime = monotonicTime
  }

  /// The first page. It is written by itself: what grows lies in one page with its checksum, so that a process that is
  /// killed in the middle of writing leaves the old or the new.
  var page: [UInt8] {
    var fields = ByteFields(count: Self.pageBytes)
    fields.put(Self.magic, 0)
    fields.put(Self.version, 8)
    fields.put(UInt32(Self.bytes), 12)
    fields.put(format.samples.rawValue, 16)
    fields.put(UInt32(format.rate.hertz), 20)
    fields.put(UInt32(format.layout.count), 24)
    fields.put(UInt32(number), 28)
    fields.put(ChannelCode.pack(format.layout), 32)
    fields.put(recording.value.0, 40)
    fields.put(recording.value.1, 48)
    fields.put(Int64(capacity), 56)
    fields.put(Int64(firstFrame), 64)
    fields.put(Int64(position), 72)
    fields.put(wallTime, 80)
    fields.put(monotonicTime, 88)
    fields.put(uri, 128, room: 1026)
    fields.put(device, 1160, room: 514)
    fields.put(Checksum.of(fields.bytes[0..<Self.liveBegin - 4]), Self.liveBegin - 4)
    fields.put(Int64(committed), Self.liveBegin)
    fields.put(UInt32(isSealed ? 1 : 0), Self.liveBegin + 8)
    fields.put(UInt32(gaps.count), Self.liveBegin + 12)
    for (index, byte) in digest.prefix(32).enumerated() { fields.bytes[Self.liveBegin + 16 + index] = byte }
    fields.put(Checksum.of(table), Self.liveBegin + 48)
    fields.put(Checksum.of(fields.bytes[Self.liveBegin..<Self.pageBytes - 4]), Self.pageBytes - 4)
    return fields.bytes
  }

  /// The gaps, for the second page. One more does not change what is there.
  var table: [UInt8] {
    var fields = ByteFields(count: gaps.count * Self.gapBytes)
    for (index, gap) in gaps.enumerated() {
      fields.put(Int64(gap.frame), index * Self.gapBytes)
      fields.put(Int64(gap.length), index * Self.gapBytes + 8)
      fields.put(gap.cause.rawValue, index * Self.gapBytes + 16)
    }
    return fields.bytes
  }

  /// Reads what may be anything. What grows is believed only where its checksum holds, or as far as it makes sense: a head
  /// that was torn by a loss of power still tells what the chunk is.
  init(_ bytes: [UInt8], fileBytes: Int, path: String) throws(RecordingError) {
    func damaged(_ what: String) -> RecordingError { RecordingError(.damaged, "\(path): \(what)") }
    guard bytes.count == Self.bytes else { throw damaged("too short for a chunk") }
    let fields = ByteFields(bytes)
    guard fields.number(UInt64.self, 0) == Self.magic else { throw damaged("no chunk of a recording") }
    guard fields.number(UInt32.self, 8) == Self.version, fields.number(UInt32.self, 12) == UInt32(Self.bytes) else {
      throw damaged("a chunk of another version")
    }
    guard
      fields.number(UInt32.self, Self.liveBegin - 4) == Checksum.of(bytes[0..<Self.liveBegin - 4]),
      let samples = SampleFormat(rawValue: fields.number(UInt32.self, 16)),
      let layout = ChannelCode.unpack(
        fields.number(UInt64.self, 32), count: Int(fields.number(UInt32.self, 24))),
      case let hertz = Int(fields.number(UInt32.self, 20)), RecordingFormat.rates.contains(hertz),
      let uri = fields.text(128, room: 1026), let device = fields.text(1160, room: 514)
    else { throw damaged("the head is broken") }
    let format = RecordingFormat(rate: SampleRate(hertz: hertz), layout: layout, samples: samples)
    self.init(
      recording: RecordingIdentity(fields.number(UInt64.self, 40), fields.number(UInt64.self, 48)), uri: uri,
      device: device, format: format, number: Int(fields.number(UInt32.self, 28)),
      capacity: Int(fields.number(Int64.self, 56)), firstFrame: Int(fields.number(Int64.self, 64)),
      position: Int(fields.number(Int64.self, 72)), wallTime: fields.number(Int64.self, 80),
      monotonicTime: fields.number(Int64.self, 88))
    let limit = 0..<(1 << 48)
    guard number > 0, limit.contains(capacity), capacity > 0, limit.contains(firstFrame), limit.contains(position)
    else {
      throw damaged("the head is broken")
    }
    readGrowth(fields, fileBytes: fileBytes)
  }

  private mutating func readGrowth(_ fields: ByteFields, fileBytes: Int) {
    let isWhole =
      fields.number(UInt32.self, Self.pageBytes - 4)
      == Checksum.of(fields.bytes[Self.liveBegin..<Self.pageBytes - 4])
    let there = max(0, fileBytes - Self.bytes) / format.frameBytes
    let told = Int(truncatingIfNeeded: fields.number(Int64.self, Self.liveBegin))
    committed = min(max(told, 0), capacity, there)
    isSealed = isWhole && fields.number(UInt32.self, Self.liveBegin + 8) == 1
    if isSealed { digest = Array(fields.bytes[Self.liveBegin + 16..<Self.liveBegin + 48]) }
    let count = Int(fields.number(UInt32.self, Self.liveBegin + 12))
    guard isWhole, count <= Self.gapLimit,
      case let end = Self.pageBytes + count * Self.gapBytes,
      fields.number(UInt32.self, Self.liveBegin + 48) == Checksum.of(fields.bytes[Self.pageBytes..<end])
    else { return }
    for place in stride(from: Self.pageBytes, to: end, by: Self.gapBytes) {
      let frame = Int(truncatingIfNeeded: fields.number(Int64.self, place))
      let length = Int(truncatingIfNeeded: fields.number(Int64.self, place + 8))
      guard (0...committed).contains(frame), frame >= gaps.last?.frame ?? 0, length > 0, length < 1 << 48,
        let cause = GapCause(rawValue: fields.number(UInt32.self, place + 16))
      else { break }
      gaps.append(Gap(frame: frame, length: length, cause: cause))
    }
  }

  /// Of a chunk file, which is not changed.
  public static func read(_ path: String, on disk: any DiskLayer) throws(RecordingError) -> ChunkHeader {
    let found: (bytes: [UInt8], size: Int)
    do throws(DiskError) {
      let file = try disk.open(path, forWriting: false)
      found = (try file.read(count: bytes, at: 0), try file.size)
    } catch {
      throw RecordingError(error)
    }
    return try ChunkHeader(found.bytes, fileBytes: found.size, path: path)
  }
}
