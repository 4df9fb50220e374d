public import AudioCore

/// Why a sound file cannot be used.
extension SoundFileError {
  public static func notFound(_ path: String) -> Self {
    Self(code: "sound_file_not_found", message: "\(path): no such file")
  }

  /// What the library says: no permission, no sound file, damaged.
  public static func unreadable(path: String, reason: String) -> Self {
    Self(code: "sound_file_unreadable", message: "\(path): \(reason)")
  }

  public static func unsupported(path: String, what: String) -> Self {
    Self(code: "sound_file_unsupported", message: "\(path): \(what)")
  }
}
