public import AudioCore
public import Settings

/// How the level of one application is kept. The defaults are a profile's.
public struct LevelSettings: Sendable, Equatable {
  /// What a volume means that the user sets meanwhile.
  public enum Deference: String, Sendable, CaseIterable {
    /// We never go above it, and still lower what is too loud.
    case ceiling
    /// We leave the stream alone until the user says otherwise.
    case strict
  }

  public var isEnabled = true
  public var peakThreshold = Decibels(-6)
  public var meanTarget = Decibels(-20)
  public var mostCut = Decibels(12)
  public var peakAttack = HostDuration.milliseconds(5)
  public var peakRelease = HostDuration.milliseconds(500)
  public var meanWindow = HostDuration.milliseconds(1500)
  public var smoothing = HostDuration.milliseconds(30)
  public var deadBand = Decibels(0.5)
  public var writeInterval = HostDuration.milliseconds(100)
  public var deference = Deference.ceiling

  public init() {}

  /// From the keys of `[[per_app.rules]]`, which have been checked.
  init(_ values: [String: SettingValue]) {
    func number(_ name: String, _ fallback: Double) -> Double { values[name]?.number ?? fallback }
    func time(_ name: String, _ fallback: HostDuration) -> HostDuration {
      values[name]?.number.map { HostDuration(nanoseconds: Int64($0 * 1e6)) } ?? fallback
    }
    isEnabled = values["enabled"]?.flag ?? isEnabled
    peakThreshold = Decibels(number("peak_threshold_db", peakThreshold.value))
    meanTarget = Decibels(number("rms_target_db", meanTarget.value))
    mostCut = Decibels(number("max_cut_db", mostCut.value))
    peakAttack = time("peak_attack_ms", peakAttack)
    peakRelease = time("peak_release_ms", peakRelease)
    meanWindow = time("rms_window_ms", meanWindow)
    smoothing = time("smoother_ms", smoothing)
    deadBand = Decibels(number("write_db_threshold", deadBand.value))
    writeInterval = time("min_write_interval_ms", writeInterval)
    deference = values["defer_to_user"]?.text.flatMap { Deference(rawValue: $0) } ?? deference
  }
}

/// Whose levels are kept, and how.
public struct LevelRule: Sendable, Equatable {
  public var match: LabelMatch
  public var settings: LevelSettings
  public var origin: SettingOrigin?

  public init(_ match: LabelMatch, _ settings: LevelSettings, origin: SettingOrigin? = nil) {
    self.match = match
    self.settings = settings
    self.origin = origin
  }

  public func acts(like other: LevelRule) -> Bool { match == other.match && settings == other.settings }
}
