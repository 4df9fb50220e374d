extension Settings {
  /// The text of `docs/streamd.toml.example`: every key with its default, made from the table so that it is never out
  /// of date.
  public static var example: String {
    var lines = [
      "# The configuration of streamd: every key with its default.",
      "#",
      "# Read from $XDG_CONFIG_HOME/streamd/config.toml (or ~/.config/streamd/config.toml), else from",
      "# /etc/xdg/streamd/config.toml, or from the file given with --config. The files of conf.d/*.toml beside it are",
      "# read after it in the order of their names: a key there replaces this one's, a [[session]] is added.",
      "",
    ]
    lines += entry(SettingTable.version)
    for section in SettingTable.sections {
      lines += ["", "# \(section.documentation)", "[\(section.name)]"]
      for slot in section.slots { lines += [""] + entry(slot.key) }
    }
    lines += channelSample
    lines += [
      "", "# Sessions opened when the daemon starts, at most \(sessionLimit). Each needs a name and a destination and",
      "# takes the rest from [capture] and [stream] unless it says otherwise.", "#", "# [[session]]",
    ]
    let samples = ["session.name": "\"living-room\"", "session.to": "\"tv.lan:5004\""]
    for key in SettingTable.sessionKeys {
      if let sample = samples[key.name] {
        lines += ["# # \(key.documentation)", "# # (\(key.kind))", "# \(key.leaf) = \(sample)"]
      } else if let fallback = key.fallback, let value = Settings().value(of: fallback) {
        lines.append("# \(key.leaf) = \(value)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static var channelSample: [String] {
    let plain = Channels()
    let (comp, limiter) = (plain.processing.compressor, plain.processing.limiter)
    let number = { (value: Double) in SettingValue.number(value).description }
    return [
      "",
      "# Duplex channels: what each records is compressed, limited and played, from the start on. Without any there are",
      "# none. A file of JSON with the same fields may say all this instead.", "#", "# [channels]",
      "# file = \"\"", "# sample_rate = \(plain.sampleRate)", "# sample_format = \"\(plain.format.rawValue)\"",
      "# channels = \(plain.count)", "# blocksize = \(plain.blockSize)", "#",
      "# # For each channel the numbers of its devices, as `streamctl devices` has them, or words that name them.",
      "# [channels.logical_channels.1]", "# input_device_id = \"Scarlett 2i2*\"", "# output_device_id = 3", "#",
      "# [channels.dsp.comp]", "# ratio = \(number(comp.ratio))", "# threshold_db = \(number(comp.threshold))",
      "# attack_ms = \(number(comp.attack))", "# release_ms = \(number(comp.release))",
      "# knee_db = \(number(comp.knee))", "# makeup_db = \(number(comp.makeUp))", "#", "# [channels.dsp.limiter]",
      "# ceiling_db = \(number(limiter.ceiling))", "# release_ms = \(number(limiter.release))",
      "# hold_ms = \(number(limiter.hold))",
    ]
  }

  private static func entry(_ key: SettingKey) -> [String] {
    let value = key.defaultValue.map(\.description) ?? "\"\""
    return ["# \(key.documentation)", "# (\(key.kind))", "\(key.leaf) = \(value)"]
  }
}
