import Control
import Glibc
import Settings

/// Duplex channels as JSON: the form of `config.json`.
enum ChannelDocument {
  private static let longestFile = 1 << 20

  static func read(_ json: JSON, onto base: Settings.Channels) throws(ControlError) -> Settings.Channels {
    do throws(SettingsErrors) { return try base.applying(tree(json)) } catch {
      throw refusal(error)
    }
  }

  static func read(file path: String, onto base: Settings.Channels) throws(ControlError) -> Settings.Channels {
    guard let file = fopen(path, "r") else {
      throw ControlError(.notFound, "\(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    let text = [UInt8](unsafeUninitializedCapacity: longestFile) { room, count in
      count = fread(room.baseAddress, 1, longestFile, file)
    }
    let json: JSON
    do throws(JSONParseError) { json = try JSON.parse(text) } catch { throw ControlError(.parse, "\(path): \(error)") }
    do throws(ControlError) { return try read(json, onto: base) } catch {
      throw ControlError(
        error.code, "\(path): \(error.message)", path: error.path, hint: error.hint, detail: error.detail)
    }
  }

  /// The first thing that is wrong, and how many more there are.
  private static func refusal(_ errors: SettingsErrors) -> ControlError {
    guard let first = errors.errors.first else { return ControlError(.internal, "a configuration was refused") }
    let more = errors.errors.count - 1 + errors.omitted
    let rest =
      more > 0 ? "; and \(more) more: " + errors.errors.dropFirst().compactMap(\.key).joined(separator: ", ") : ""
    return ControlError(
      .badArgs, first.message + rest, path: first.key, hint: first.hint, detail: first.code.rawValue)
  }

  /// JSON is parsed with a bound on its depth.
  private static func tree(_ json: JSON) -> SettingTree {
    SettingTree(
      {
        switch json {
        case .null: .nothing
        case .bool(let flag): .flag(flag)
        case .int(let integer): Int(exactly: integer).map { .integer($0) } ?? .number(Double(integer))
        case .number(let number): .number(number)
        case .string(let text): .text(text)
        case .array(let items): .array(items.map(tree))
        case .object(let members): .table(members.map { SettingTree.Entry($0.key, tree($0.value)) })
        }
      }())
  }

  /// What `read` reads.
  static func json(_ settings: Settings.Channels) -> JSON {
    var logical = JSONObject()
    for (number, channel) in settings.logical.sorted(by: { $0.key < $1.key }) {
      var members: JSONObject = [
        "input_device_id": device(channel.input), "output_device_id": device(channel.output),
      ]
      if !channel.name.isEmpty { members["name"] = .string(channel.name) }
      if let own = channel.processing { members["dsp"] = processing(own) }
      logical["\(number)"] = .object(members)
    }
    return [
      "sample_rate": JSON(settings.sampleRate), "sample_format": .string(settings.format.rawValue),
      "channels": JSON(settings.count), "blocksize": JSON(settings.blockSize), "logical_channels": .object(logical),
      "dsp": processing(settings.processing),
    ]
  }

  private static func device(_ words: String) -> JSON {
    guard words.hasPrefix("#"), let number = Int(words.dropFirst()) else { return .string(words) }
    return JSON(number)
  }

  private static func processing(_ processing: Settings.Channels.Processing) -> JSON {
    let (comp, limiter) = (processing.compressor, processing.limiter)
    return [
      "comp": [
        "ratio": JSON(comp.ratio), "threshold_db": JSON(comp.threshold), "attack_ms": JSON(comp.attack),
        "release_ms": JSON(comp.release), "knee_db": JSON(comp.knee), "makeup_db": JSON(comp.makeUp),
        "enabled": JSON(comp.isEnabled),
      ],
      "limiter": [
        "ceiling_db": JSON(limiter.ceiling), "release_ms": JSON(limiter.release), "hold_ms": JSON(limiter.hold),
        "enabled": JSON(limiter.isEnabled),
      ],
    ]
  }
}
