import Settings
import Wording

/// Every key there is. `docs/PROFILES.md` has the table.
public enum ProfileSchema {
  public static let version = 1
  public static let fileSizeLimit = Settings.fileSizeLimit
  public static let mostRules = 512
  public static let mostBuses = 16
  public static let mostNodes = 32
  public static let deepestExtends = 16

  /// Of the profile itself.
  static let top: [ProfileKey] = [
    fixed("name", .text(longest: 64), nil, "What it is called; at best the file's name."),
    fixed("description", .text(longest: 512), .text(""), "One line for lists."),
    fixed("extends", .text(longest: 64), nil, "The profile that this one changes."),
    fixed("config_version", .version(version), .integer(version), "The version of this format."),
    chain,
  ]
  static let chain = ProfileKey(
    "chain", .text(longest: 64), nil, "A preset in place of agc, compressor and limiter.")

  /// What a bus has of its own.
  static let bus: [ProfileKey] = [
    ProfileKey("description", .text(longest: 512), .text(""), "One line for lists."),
    ProfileKey("channels", .text(longest: 64), nil, "The layout it plays in; else the device's."),
    chain,
  ]

  /// By which sound is treated, on the processed bus and on others.
  static let stages: [ProfileKey] = [
    ProfileKey("agc.enabled", .flag, .flag(true), "Whether programmes are brought to one loudness."),
    number("agc.target_lufs", -60...0, -18, "The loudness."),
    number("agc.attack_ms", 1...60_000, 2000, "How long the gain takes to fall."),
    number("agc.release_ms", 1...60_000, 800, "How long it takes to rise."),
    number("agc.silence_threshold_lufs", -120...0, -70, "What is softer is a pause."),
    number("agc.max_boost_db", 0...60, 12, "The greatest gain."),
    number("agc.max_cut_db", 0...60, 12, "The greatest reduction."),
    ProfileKey("compressor.enabled", .flag, .flag(true), "Whether what is loud is made less loud."),
    ProfileKey("compressor.detector", .choice(["peak", "rms"]), .text("peak"), "What a level is."),
    number("compressor.threshold_db", -100...0, -24, "Above it sound is lowered."),
    number("compressor.ratio", 1...100, 2.5, "Decibels in for one out."),
    number("compressor.knee_db", 0...48, 6, "The width of the bend at the threshold."),
    number("compressor.attack_ms", 0...1000, 10, "For 63 % of a reduction."),
    number("compressor.release_ms", 0...10_000, 100, "For 63 % of the way back."),
    ProfileKey("compressor.makeup_db", .numberOrAutomatic(-24...24), .text("auto"), "The gain behind it."),
    number("compressor.rms_window_ms", 0.1...1000, 5, "Ignored: ours has one length, 10 ms."),
    number("limiter.ceiling_dbtp", -60...0, -0.1, "The highest true peak."),
    number("limiter.lookahead_ms", 0...50, 2, "Below 1.5: less delay and a faster gain."),
    number("limiter.release_ms", 0...10_000, 80, "Back to full gain after a short peak."),
    number("limiter.hold_ms", 0...1000, 5, "How long a gain stays."),
    ProfileKey("limiter.oversample", .integerChoice([1, 2, 4, 8]), .integer(4), "Ignored: always as fine as needed."),
    ProfileKey(
      "limiter.link", .choice(["stereo", "dual-mono", "all", "pairs", "none"]), .text("stereo"),
      "Which channels share a gain."),
    ProfileKey("limiter.soft.enabled", .flag, .flag(false), "On where there is a [limiter.soft]."),
    number("limiter.soft.max_psr_db", 0...60, 14, "So far above the loudness peaks may be."),
    number("limiter.soft.static_ceiling_dbtp", -60...0, -6, "Where they begin at the latest."),
    number("limiter.soft.attack_ms", 0...1000, 5, "For 63 % of a reduction."),
    number("limiter.soft.release_ms", 0...10_000, 200, "For 63 % of the way back."),
  ]

  static let others: [ProfileKey] = [
    number("meters.publish_hz", 1...240, 20, "How often meters are sent; at most 60 are."),
    ProfileKey("default_route.route", .route, .text("processed"), "Where all goes that no rule names."),
    ProfileKey("per_app.enabled", .flag, .flag(false), "Whether levels of single applications are kept."),
    ProfileKey("per_app.default_enabled", .flag, .flag(false), "Also of those that no rule names."),
    ProfileKey("session.limiter", .flag, nil, "What clients hear ends in a limiter."),
    number("session.gain", -60...24, nil, "Gain of what clients hear, in dB."),
    ProfileKey("session.capture", .capture, nil, "What clients hear, as a session's target says it."),
  ]

  /// Of `[[per_app.rules]]`, beside `match`.
  static let perApp: [ProfileKey] = [
    ProfileKey("enabled", .flag, .flag(true), "Whether the level is kept."),
    number("peak_threshold_db", -80...0, -6, "Peaks above it are lowered."),
    number("rms_target_db", -80...0, -20, "A mean above it is lowered."),
    number("max_cut_db", 0...60, 12, "The greatest reduction."),
    number("peak_attack_ms", 0...60_000, 5, "For 63 % of a rise of the peak's level."),
    number("peak_release_ms", 0...60_000, 500, "For 63 % of its fall."),
    number("rms_window_ms", 1...60_000, 1500, "The time constant of the mean."),
    number("smoother_ms", 0...5000, 30, "The time constant of the reduction."),
    number("write_db_threshold", 0...12, 0.5, "Smaller changes are not written."),
    number("min_write_interval_ms", 0...60_000, 100, "So long apart are two writes."),
    ProfileKey("defer_to_user", .choice(["ceiling", "strict"]), .text("ceiling"), "What a user's own volume means."),
  ]

  /// The sections of a file.
  static let sections = ["agc", "compressor", "limiter", "meters", "default_route", "per_app", "session"]
  static let lists = ["rules", "nodes", "buses"]

  /// Of a whole profile but its buses, by name.
  static let main = Dictionary(uniqueKeysWithValues: (top + stages + others).map { ($0.name, $0) })
  /// Of a bus, named as inside of it. Its stages are off unless they are written.
  static let ofBus = Dictionary(
    uniqueKeysWithValues: (bus + stages).map { key in
      var key = key
      if key.name == "agc.enabled" || key.name == "compressor.enabled" { key.defaultValue = .flag(false) }
      return (key.name, key)
    })

  /// The key of that dotted name, with the bus in its name if it is one's.
  public static func key(_ name: String) -> ProfileKey? {
    guard let (bus, leaf) = busKey(name) else { return main[name] }
    return isBusName(bus) ? ofBus[leaf]?.renamed(name) : nil
  }

  /// All keys of a profile with these buses, in the order of the documents.
  public static func keys(buses: [String] = []) -> [ProfileKey] {
    top + stages + others
      + buses.flatMap { bus in
        (Self.bus + stages).compactMap { ofBus[$0.name]?.renamed("buses.\(bus).\($0.name)") }
      }
  }

  /// The name that was most likely meant.
  public static func nearest(to name: String) -> String? {
    if let (bus, leaf) = busKey(name) { return near(leaf, among: ofBus.keys).map { "buses.\(bus).\($0)" } }
    return near(name, among: main.keys)
  }

  private static func near(_ name: String, among keys: some Collection<String>) -> String? {
    let keys = keys.sorted()
    if let near = nearestName(to: name, among: keys) { return near }
    // The section left out, or the wrong one.
    let leaf = name.split(separator: ".").last.map(String.init) ?? name
    return keys.first { $0.hasSuffix(".\(leaf)") }
  }

  /// "buses.voice.agc.enabled" in its parts.
  static func busKey(_ name: String) -> (bus: String, leaf: String)? {
    guard name.hasPrefix("buses.") else { return nil }
    let rest = name.dropFirst(6)
    guard let dot = rest.firstIndex(of: ".") else { return nil }
    return (String(rest[..<dot]), String(rest[rest.index(after: dot)...]))
  }

  private static func fixed(
    _ name: String, _ kind: ProfileKey.Kind, _ value: SettingValue?, _ documentation: String
  ) -> ProfileKey {
    var key = ProfileKey(name, kind, value, documentation)
    key.isOverridable = false
    return key
  }

  private static func number(
    _ name: String, _ range: ClosedRange<Double>, _ value: Double?, _ documentation: String
  ) -> ProfileKey {
    ProfileKey(name, .number(range), value.map { .number($0) }, documentation)
  }
}
