import AudioIO
import CALSASystem
import Glibc

/// What ALSA's negative numbers mean to a stream.
enum DeviceFailure {
  /// Why a PCM could not be opened.
  static func opening(_ name: String, isPlayback: Bool, _ code: Int32) -> BackendError {
    switch -code {
    case ENOENT, ENODEV, ENXIO:
      BackendError(
        isPlayback ? .sinkNotFound : .sourceNotFound, "there is no PCM \"\(name)\"",
        hint: isPlayback ? "`aplay -L` lists them" : "`arecord -L` lists them")
    case EBUSY, EAGAIN:
      BackendError(.deviceBusy, "another program holds the PCM \"\(name)\"")
    case EACCES, EPERM:
      BackendError(.deviceDenied, "we may not open the PCM \"\(name)\"", hint: "is the user in the group audio?")
    case ECONNREFUSED, EHOSTDOWN, ECONNRESET:
      BackendError(.serverUnavailable, "the sound server behind the PCM \"\(name)\" does not answer")
    default:
      BackendError(.deviceLost, "the PCM \"\(name)\" does not open: \(text(code))")
    }
  }

  /// Why an open one came to its end.
  static func running(_ name: String, _ code: Int32) -> BackendError {
    switch -code {
    case ENODEV, ENXIO, EBADFD, EIO: BackendError(.deviceLost, "the PCM \"\(name)\" went away")
    default: BackendError(.deviceLost, "the PCM \"\(name)\" failed: \(text(code))")
    }
  }

  static func text(_ code: Int32) -> String { String(cString: snd_strerror(code)) }
}
