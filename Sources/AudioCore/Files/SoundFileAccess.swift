/// How a file keeps its samples.
public enum SampleEncoding: String, Sendable, CaseIterable {
  case float32 = "f32"
  case integer16 = "s16"
  case integer24 = "s24"
}

/// What a file is.
public enum SoundFileKind: String, Sendable, CaseIterable {
  case wav
  case flac
  case ogg
}

/// Why a sound file cannot be read or written.
public struct SoundFileError: Error, Hashable, Sendable {
  /// Stable, for programs.
  public let code: String
  public let message: String

  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

/// A sound file open for reading. Thread: any one at a time, never render.
public protocol SoundFileReader: AnyObject, Sendable {
  var rate: SampleRate { get }
  var channels: Int { get }
  /// Nil where the file does not tell.
  var length: FrameCount? { get }
  /// At most `frames` interleaved frames; how many, zero at the end.
  func read(_ into: UnsafeMutablePointer<Float>, frames: Int) throws(SoundFileError) -> Int
  func seek(to frame: Int) throws(SoundFileError)
}

/// A sound file open for writing, complete when it is dropped. Thread: any one at a time, never render.
public protocol SoundFileWriter: AnyObject, Sendable {
  func write(_ from: UnsafePointer<Float>, frames: Int) throws(SoundFileError)
}

/// Who opens sound files. The rooms that need files know only this; the program says who it is.
public protocol SoundFileAccess: Sendable {
  /// One with more channels than `most` is refused.
  func reader(path: String, most: Int) throws(SoundFileError) -> any SoundFileReader
  func writer(
    path: String, kind: SoundFileKind, encoding: SampleEncoding, rate: SampleRate, channels: Int
  ) throws(SoundFileError) -> any SoundFileWriter
  /// From a file of measurements around a head (SOFA) those nearest to directions ahead and around, in degrees to the right.
  func head(path: String, azimuths: [Double]) throws(SoundFileError) -> HeadResponses
}

extension SoundFileAccess {
  public func reader(path: String) throws(SoundFileError) -> any SoundFileReader {
    try reader(path: path, most: ChannelLayout.limit)
  }
}
