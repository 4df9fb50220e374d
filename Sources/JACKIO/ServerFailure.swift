import AudioIO
import CJACK
import CJACKSystem

/// What JACK's status bits mean to a stream.
enum ServerFailure {
  static func absent(_ server: String) -> BackendError {
    BackendError(
      .serverUnavailable, "no JACK server \"\(server)\" answers",
      hint: "does jackd run for this user? we never start it")
  }

  /// Why a client could not be opened.
  static func opening(_ server: String, _ status: Int32) -> BackendError {
    let bits = UInt32(bitPattern: status)
    if bits & JackVersionError.rawValue != 0 {
      return BackendError(.serverUnavailable, "the JACK server \"\(server)\" is of another version than our library")
    }
    if bits & JackShmFailure.rawValue != 0 {
      return BackendError(.serverUnavailable, "the memory of the JACK server \"\(server)\" cannot be shared")
    }
    return absent(server)
  }

  static func gone(_ server: String) -> BackendError {
    BackendError(.serverUnavailable, "the JACK server \"\(server)\" went away")
  }
}
