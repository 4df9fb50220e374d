public import AudioCore
import Glibc
import SoundFiles

/// Part of a recording as a WAV or FLAC file, sample for sample.
public struct RecordingExport {
  public let frames: Int
  private let range: Range<Int>
  private let reader: RecordingReader
  private let use: RecordingReader.GapUse

  public init(
    _ reader: RecordingReader, _ span: RecordingReader.Span, gaps use: RecordingReader.GapUse = .silence
  ) throws(RecordingError) {
    self.reader = reader
    self.use = use
    let range = try reader.positions(of: span)
    self.range = range
    let missing = reader.gaps.reduce(0) {
      $0 + ($1.position..<$1.position + $1.length).clamped(to: range).count
    }
    frames = use == .skip ? range.count - missing : range.count
    guard frames > 0 else { throw RecordingError(.empty, "there is nothing but a gap") }
    if use == .refuse, missing > 0 {
      throw RecordingError(
        .gap, "\(missing) frames are missing between \(range.lowerBound) and \(range.upperBound)", field: "gaps",
        hint: "silence or skip")
    }
  }

  /// A file of that name appears when it is whole. `progress` is told the frames written so far.
  public func write(
    to path: String, kind: SoundFileKind, progress: (Int) -> Void = { _ in }
  ) throws(RecordingError) {
    let draft = path + ".part"
    do throws(RecordingError) {
      try put(draft, kind, progress)
    } catch {
      unlink(draft)
      throw error
    }
    guard rename(draft, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(draft)
      throw RecordingError(.disk, "\(path): \(reason)")
    }
  }

  private func put(_ path: String, _ kind: SoundFileKind, _ progress: (Int) -> Void) throws(RecordingError) {
    try put(progress) { (samples: ExactSoundFile.Samples) throws(SoundFileError) in
      try ExactSoundFile(
        path: path, kind: kind, samples: samples, rate: reader.format.rate, layout: reader.format.layout, frames: frames
      )
    }
  }

  /// Into a file that is made for such samples.
  func put(
    _ progress: (Int) -> Void, make: (ExactSoundFile.Samples) throws(SoundFileError) -> ExactSoundFile
  ) throws(RecordingError) {
    let format = reader.format
    let samples: ExactSoundFile.Samples =
      switch format.samples {
      case .float32: .float32
      case .integer16: .integer16
      case .integer24: .integer24
      case .integer32: .integer32
      }
    let file: ExactSoundFile
    do throws(SoundFileError) {
      file = try make(samples)
    } catch {
      throw RecordingError(.badField, error.message, field: "to")
    }
    var done = 0
    try reader.read(range, gaps: use) { (bytes: UnsafeRawBufferPointer) throws(RecordingError) in
      do throws(SoundFileError) { try file.write(bytes) } catch { throw RecordingError(.disk, error.message) }
      done += bytes.count / format.frameBytes
      progress(done)
    }
  }
}
