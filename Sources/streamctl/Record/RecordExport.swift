import AudioCore
import Control
import Glibc
import Recording

/// Part of a recording as a sound file, or as bare samples.
enum RecordExport {
  static func open(_ folder: String) throws -> RecordingReader {
    do throws(RecordingError) { return try RecordingReader(folder) } catch { throw Failure(error) }
  }

  static func run(_ options: Options) throws -> ExitStatus {
    guard let out = options.value("--out") else { throw Failure(.usage, "usage", "record export needs --out FILE") }
    guard let kind = [SoundFileKind.wav, .flac].first(where: { out.lowercased().hasSuffix("." + $0.rawValue) }) else {
      throw Failure(.usage, "usage", "--out \(out): a name that ends in .wav or .flac")
    }
    guard access(out, F_OK) != 0 || options.has("--force") else {
      throw Failure(.refused, "exists", "\(out) is there already; --force replaces it")
    }
    let reader = try open(try RecordCommand.folder(options))
    let isShown = isatty(2) == 1 && !options.asJSON
    var shown = -1
    do throws(RecordingError) {
      let export = try RecordingExport(reader, try span(options, reader, isNeeded: false), gaps: try gaps(options))
      try export.write(to: out, kind: kind) { done in
        let share = done * 100 / export.frames
        guard isShown, share != shown else { return }
        shown = share
        let bar = String(repeating: "#", count: share * 30 / 100).padded(to: 30)
        let text = "\r[\(bar)] \(share) %"
        _ = text.withCString { write(2, $0, strlen($0)) }
      }
      if isShown { Console.note("") }
      let seconds = Double(export.frames) / Double(reader.format.rate.hertz)
      if options.asJSON {
        let answer: JSON = ["path": .string(out), "frames": JSON(export.frames), "seconds": JSON(seconds)]
        print(answer.text)
      } else {
        print("\(out): \(fixed(seconds, 3)) s, \(export.frames) frames")
      }
    } catch {
      if shown >= 0 { Console.note("") }
      throw Failure(error)
    }
    return .ok
  }

  /// Samples to standard output, for a program that knows what they are.
  static func slice(_ options: Options) throws -> ExitStatus {
    guard isatty(1) == 0 else {
      throw Failure(.usage, "usage", "record slice writes samples: send them to a file or a program, or use export")
    }
    let reader = try open(try RecordCommand.folder(options))
    do throws(RecordingError) {
      let range = try reader.positions(of: try span(options, reader, isNeeded: true))
      try reader.read(range, gaps: try gaps(options)) { (bytes: UnsafeRawBufferPointer) throws(RecordingError) in
        var done = 0
        while done < bytes.count {
          let count = write(1, bytes.baseAddress! + done, bytes.count - done)
          guard count > 0 else { throw RecordingError(.disk, "standard output: \(String(cString: strerror(errno)))") }
          done += count
        }
      }
    } catch { throw Failure(error) }
    return .ok
  }

  private static func gaps(_ options: Options) throws(RecordingError) -> RecordingReader.GapUse {
    guard let word = options.value("--gaps") else { return .silence }
    guard let use = RecordingReader.GapUse(rawValue: word) else {
      throw RecordingError(.badField, "--gaps \(word): silence, skip or refuse", field: "gaps")
    }
    return use
  }

  static func span(
    _ options: Options, _ reader: RecordingReader, isNeeded: Bool
  ) throws(RecordingError) -> RecordingReader.Span {
    func seconds(_ name: String) throws(RecordingError) -> Double? {
      guard let text = options.value(name) else { return nil }
      guard let value = Double(text), value.isFinite, value >= 0, value < 9e9 else {
        throw RecordingError(.badField, "\(name) \(text): seconds", field: name)
      }
      return value
    }
    let ways = [["--last"], ["--frames"], ["--from", "--to"], ["--wall-from", "--wall-to"]]
    let given = ways.filter { $0.contains { options.value($0) != nil } }
    guard given.count <= 1 else {
      throw RecordingError(
        .badField, given.map { $0[0] }.joined(separator: " and ") + ": one way to say which part is enough",
        field: "span")
    }
    if let last = try seconds("--last") { return .last(seconds: last) }
    if let text = options.value("--frames") {
      let parts = text.split(separator: "-").map { Int($0) }
      guard parts.count == 2, let first = parts[0], let end = parts[1], first >= 0, first < end else {
        throw RecordingError(.badField, "--frames \(text): two numbers such as 0-48000", field: "--frames")
      }
      return .frames(first..<end)
    }
    let rate = Double(reader.format.rate.hertz)
    let (from, to) = (try seconds("--from"), try seconds("--to"))
    if from != nil || to != nil {
      let first = Int(((from ?? 0) * rate).rounded())
      let end = to.map { Int(($0 * rate).rounded()) } ?? reader.length
      guard first < end else { throw RecordingError(.badField, "--to: not after --from", field: "--to") }
      return .frames(first..<end)
    }
    let (begin, end) = (try seconds("--wall-from"), try seconds("--wall-to"))
    if begin != nil || end != nil {
      return .wall(from: Int64((begin ?? 0) * 1e9), to: end.map { Int64($0 * 1e9) } ?? Int64.max / 2)
    }
    guard !isNeeded else {
      throw RecordingError(
        .badField, "record slice needs --last, --from and --to, --frames, or --wall-from and --wall-to", field: "span")
    }
    return .all
  }
}
