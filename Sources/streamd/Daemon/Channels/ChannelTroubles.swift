import AudioCore
import AudioIO
import Control
import Wiring

/// What keeps duplex channels from being heard: told once it has lasted, for a device that is changed is away for a moment.
struct ChannelTroubles {
  struct Trouble: Equatable {
    var code: String
    var message: String
    var recovery = BackendError.Recovery.waitForDevice
    var hint: String?

    init(_ code: String, _ message: String) { (self.code, self.message) = (code, message) }

    init(_ error: BackendError, _ device: DeviceError?) {
      self.init(error.code.rawValue, device?.description ?? error.message)
      (recovery, hint) = (error.recovery, error.hint)
    }

    /// Nil for a channel that is as it should be.
    init?(_ facts: DuplexChannel.Facts, input: String) {
      switch facts.condition {
      case .running where facts.isFed: return nil
      case .running: self.init("no_input", facts.inputTrouble ?? "nothing comes from \(input)")
      case .waiting(let error): self.init(error, facts.deviceTrouble)
      case .stopped, .stopping: self.init("stopped", "it does not run")
      }
    }
  }

  private var lasting: [String: (trouble: Trouble, since: HostTime)] = [:]

  static let patience = HostDuration.milliseconds(900)

  /// All there are now, by what they are about.
  mutating func update(_ now: [String: Trouble], at time: HostTime) {
    lasting = now.reduce(into: [:]) { next, entry in
      // Words may change while it lasts.
      next[entry.key] = (entry.value, lasting[entry.key]?.since ?? time)
    }
  }

  func report(at time: HostTime) -> [JSON] {
    lasting.sorted { $0.key < $1.key }.filter { time - $0.value.since >= Self.patience }.map { target, entry in
      var members: JSONObject = [
        "target": .string(target), "code": .string(entry.trouble.code), "message": .string(entry.trouble.message),
        "recovery": .string(entry.trouble.recovery.rawValue), "since_monotonic_ns": JSON(entry.since.nanoseconds),
      ]
      if let hint = entry.trouble.hint { members["hint"] = .string(hint) }
      return .object(members)
    }
  }
}
