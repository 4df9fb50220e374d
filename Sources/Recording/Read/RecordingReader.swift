import AudioCore

/// Reads a recording, also one that grows, by position, by the wall clock, or from its end.
///
/// It knows the state at which it was made; `refresh` looks again. Thread: any one at a time, never render.
public struct RecordingReader {
  /// Which part.
  public enum Span: Sendable, Hashable {
    case all
    /// Positions: frames since the beginning, gaps counted.
    case frames(Range<Int>)
    /// Nanoseconds since 1970.
    case wall(from: Int64, to: Int64)
    /// So many seconds up to the end.
    case last(seconds: Double)
  }

  /// What a gap is in what is read.
  public enum GapUse: String, Sendable, CaseIterable {
    /// As long as it was, so that all stays in its place.
    case silence
    /// Left out.
    case skip
    /// An error.
    case refuse
  }

  public struct Gap: Sendable, Equatable {
    public var position: Int
    public var length: Int
    public var cause: GapCause
  }

  private struct Segment {
    var position: Int
    var length: Int
    /// Nil in a gap.
    var source: (chunk: Int, frame: Int)?
    var cause = GapCause.crash
    var end: Int { position + length }
  }

  public let folder: String
  public private(set) var uri = ""
  public private(set) var device = ""
  public private(set) var format: RecordingFormat
  /// It may still grow.
  public private(set) var isGrowing = false
  /// Where the first frame lies that has been kept: 0 but for a recording that keeps only its newest seconds.
  public private(set) var begin = 0
  /// Where the last frame ends.
  public private(set) var length = 0
  public private(set) var frames = 0
  public private(set) var gaps: [Gap] = []
  /// Files that could not be read, and why.
  public private(set) var broken: [String] = []
  private var chunks: [(header: ChunkHeader, path: String)] = []
  private var segments: [Segment] = []
  private let disk: any DiskLayer

  public init(_ folder: String, on disk: any DiskLayer = Disk()) throws(RecordingError) {
    self.folder = folder
    self.disk = disk
    let names: [String]
    do throws(DiskError) { names = try disk.list(folder) } catch { throw RecordingError(error) }
    let manifest = (try? Manifest.read(in: folder, on: disk)) ?? []
    let numbers = names.compactMap { ChunkSeries.number($0) }.sorted()
    guard let head = manifest.first(where: { $0.kind == "recording" }) else {
      throw RecordingError(
        numbers.isEmpty ? .notFound : .damaged, "\(folder) is no recording", field: "path", hint: "it has no manifest")
    }
    var known: RecordingFormat?
    for number in numbers {
      let path = folder + "/" + ChunkSeries.name(number)
      do throws(RecordingError) {
        let header = try ChunkHeader.read(path, on: disk)
        guard "\(header.recording)" == head["id"], header.format == known ?? header.format else {
          throw RecordingError(.damaged, "\(path) is of another recording")
        }
        known = header.format
        chunks.append((header, path))
      } catch {
        broken.append(error.message)
      }
    }
    guard let format = known ?? CrashScan.format(head) else {
      throw RecordingError(.damaged, "\(folder): nothing says what was recorded")
    }
    self.format = format
    uri = head["uri"] ?? ""
    device = head["device"] ?? ""
    let isOver = manifest.contains { $0.kind == "stopped" || $0.kind == "recovered" }
    isGrowing = !isOver
    chunks.sort { $0.header.firstFrame < $1.header.firstFrame }
    if head["keep"] != nil {
      begin = chunks.first?.header.position ?? 0
      length = begin
    }
    lay()
  }

  /// Looks again at a recording that grows.
  public mutating func refresh() throws(RecordingError) { self = try RecordingReader(folder, on: disk) }

  private mutating func lay() {
    for (index, (header, _)) in chunks.enumerated() {
      // A chunk that is missing is a gap; one that overlaps what is there already has nothing new.
      if header.position > length { add(Segment(position: length, length: header.position - length)) }
      guard header.position >= length else { continue }
      var frame = 0
      for gap in header.gaps {
        add(Segment(position: length, length: gap.frame - frame, source: (index, frame)))
        frame = gap.frame
        add(Segment(position: length, length: gap.length, cause: gap.cause))
      }
      add(Segment(position: length, length: header.committed - frame, source: (index, frame)))
    }
  }

  private mutating func add(_ segment: Segment) {
    guard segment.length > 0 else { return }
    segments.append(segment)
    length = segment.end
    if segment.source == nil {
      gaps.append(Gap(position: segment.position, length: segment.length, cause: segment.cause))
    } else {
      frames += segment.length
    }
  }

  /// When position 0 was, in nanoseconds since 1970; nil while nothing has been recorded.
  public var startedAt: Int64? { chunks.first.flatMap { $0.header.wallTime == 0 ? nil : wallTime(of: 0) } }

  public func wallTime(of position: Int) -> Int64? {
    guard let header = chunks.last(where: { $0.header.position <= position })?.header ?? chunks.first?.header else {
      return nil
    }
    let apart = position - header.position
    return header.wallTime + (apart < 0 ? -format.nanoseconds(-apart) : format.nanoseconds(apart))
  }

  /// The positions of a span, as far as they have been recorded.
  public func positions(of span: Span) throws(RecordingError) -> Range<Int> {
    let wanted: Range<Int>
    switch span {
    case .all: wanted = begin..<length
    case .frames(let range): wanted = range
    case .wall(let from, let to):
      guard from < to else { throw RecordingError(.badField, "to: not after from", field: "to") }
      wanted = position(at: from)..<max(position(at: to), position(at: from))
    case .last(let seconds):
      guard seconds > 0, seconds.isFinite, seconds < 1e9 else {
        throw RecordingError(.badField, "last: more than 0 seconds", field: "last")
      }
      wanted = max(begin, length - Int((seconds * Double(format.rate.hertz)).rounded()))..<length
    }
    let found = wanted.clamped(to: begin..<length)
    guard !found.isEmpty else {
      throw RecordingError(
        .empty, "the recording has nothing there", hint: "it has \(length) frames at \(format.rate.hertz) Hz")
    }
    return found
  }

  private func position(at wall: Int64) -> Int {
    guard let header = chunks.last(where: { $0.header.wallTime <= wall })?.header ?? chunks.first?.header else {
      return 0
    }
    return header.position + format.frames(wall - header.wallTime)
  }

  /// Calls `take` with the samples of a part, piece by piece and in order, as the recording has them.
  public func read(
    _ range: Range<Int>, gaps use: GapUse = .silence, _ take: (UnsafeRawBufferPointer) throws(RecordingError) -> Void
  ) throws(RecordingError) {
    let piece = max(1, (1 << 18) / format.frameBytes)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece * format.frameBytes, alignment: 16)
    defer { buffer.deallocate() }
    var open: (chunk: Int, file: any DiskFile)?
    for segment in segments where segment.end > range.lowerBound && segment.position < range.upperBound {
      let part = (segment.position..<segment.end).clamped(to: range)
      guard let source = segment.source else {
        if use == .refuse {
          throw RecordingError(
            .gap, "\(part.count) frames are missing at \(part.lowerBound): \(segment.cause.name)", field: "gaps",
            hint: "silence or skip")
        }
        if use == .silence { try silence(part.count, buffer, take) }
        continue
      }
      do throws(DiskError) {
        if open?.chunk != source.chunk {
          open = (source.chunk, try disk.open(chunks[source.chunk].path, forWriting: false))
        }
      } catch { throw RecordingError(error) }
      guard let file = open?.file else { return }
      var done = part.lowerBound - segment.position
      while done < part.upperBound - segment.position {
        let frames = min(piece, part.upperBound - segment.position - done)
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(frames * format.frameBytes)])
        let place = ChunkHeader.bytes + (source.frame + done) * format.frameBytes
        let got: Int
        do throws(DiskError) { got = try file.read(into: bytes, at: place) } catch { throw RecordingError(error) }
        guard got == bytes.count else {
          throw RecordingError(.damaged, "\(chunks[source.chunk].path) is shorter than it says")
        }
        try take(UnsafeRawBufferPointer(bytes))
        done += frames
      }
    }
  }

  private func silence(
    _ frames: Int, _ buffer: UnsafeMutableRawBufferPointer,
    _ take: (UnsafeRawBufferPointer) throws(RecordingError) -> Void
  ) throws(RecordingError) {
    for index in buffer.indices { buffer[index] = 0 }
    var left = frames * format.frameBytes
    while left > 0 {
      let count = min(left, buffer.count)
      try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      left -= count
    }
  }

  /// Whether the samples of each sealed chunk are those that were written.
  public func verify() throws(RecordingError) -> [String] {
    var wrong = broken
    for (header, path) in chunks where header.isSealed {
      do throws(DiskError) {
        let file = try disk.open(path, forWriting: false)
        let count = header.committed * format.frameBytes
        if try ContentDigest.of(file, from: ChunkHeader.bytes, count: count) != header.digest {
          wrong.append("\(path): the samples are not those that were recorded")
        }
      } catch {
        wrong.append(error.description)
      }
    }
    return wrong
  }

  /// Chunk files in order, with their facts.
  public var chunkFacts: [(path: String, header: ChunkHeader)] { chunks.map { ($0.path, $0.header) } }
}
