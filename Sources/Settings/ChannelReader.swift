import Wording

/// Reads what is said of duplex channels, and notes everything that is wrong with its field and place.
struct ChannelReader {
  private(set) var problems = SettingsErrors()
  private let place: String

  init(_ place: String) { self.place = place }

  private typealias Fields = [String: SettingTree]

  mutating func read(_ tree: SettingTree, onto base: Settings.Channels) -> Settings.Channels {
    var result = base
    let fields = fields(
      tree, place,
      ["sample_rate", "sample_format", "channels", "blocksize", "logical_channels", "dsp"]
        + (place.isEmpty ? [] : ["file"]))
    integer(fields, place, "sample_rate", 8000...192_000) { result.sampleRate = $0 }
    choice(fields, place, "sample_format", Settings.Channels.Format.allCases.map(\.rawValue)) {
      if let format = Settings.Channels.Format(rawValue: $0) { result.format = format }
    }
    if let tree = fields["channels"] {
      let counts = [1, 2, 6, 8]
      if case .integer(let count) = tree.value, counts.contains(count) {
        result.count = count
      } else {
        fail(.notAChoice, tree, field(place, "channels"), "one of 1, 2, 6, 8 is wanted, not \(Self.shown(tree))")
      }
    }
    integer(fields, place, "blocksize", 16...8192) { result.blockSize = $0 }
    if let tree = fields["file"] {
      if case .text(let path) = tree.value, path.isEmpty || path.hasPrefix("/") && path.utf8.count < 4096 {
        result.file = path
      } else {
        fail(.badValue, tree, field(place, "file"), "an absolute path is wanted, or nothing")
      }
    }
    if let tree = fields["dsp"] { result.processing = processing(tree, field(place, "dsp"), onto: result.processing) }
    if let tree = fields["logical_channels"] {
      result.logical = logical(tree, field(place, "logical_channels"), result.processing)
    }
    return result
  }

  // MARK: Parts

  private mutating func logical(
    _ tree: SettingTree, _ place: String, _ processing: Settings.Channels.Processing
  ) -> [Int: Settings.Channels.Channel] {
    guard case .table(let entries) = tree.value else {
      fail(.wrongType, tree, place, "channels by their numbers are wanted, not \(tree.value.typeName)")
      return [:]
    }
    if entries.count > Settings.Channels.limit {
      fail(.tooMany, tree, place, "there may be \(Settings.Channels.limit) channels, not \(entries.count)")
      return [:]
    }
    var all: [Int: Settings.Channels.Channel] = [:]
    for entry in entries {
      let path = field(place, printable(entry.key))
      guard let number = Int(entry.key), "\(number)" == entry.key, Settings.Channels.numbers.contains(number) else {
        fail(.badValue, entry.tree, path, "a channel's number is wanted, 1 to 999")
        continue
      }
      if all[number] != nil { fail(.duplicateName, entry.tree, path, "channel \(number) is given twice") }
      all[number] = channel(entry.tree, path, processing)
    }
    return all
  }

  private mutating func channel(
    _ tree: SettingTree, _ place: String, _ processing: Settings.Channels.Processing
  ) -> Settings.Channels.Channel {
    let known = ["input_device_id", "output_device_id", "input", "output", "name", "dsp"]
    let fields = fields(tree, place, known)
    var channel = Settings.Channels.Channel(
      input: device(fields, tree, place, "input"), output: device(fields, tree, place, "output"))
    if let tree = fields["name"] {
      if case .text(let name) = tree.value, name.utf8.count <= 64, name == printable(name) {
        channel.name = name
      } else {
        fail(.badValue, tree, field(place, "name"), "a name of at most 64 bytes is wanted")
      }
    }
    if let tree = fields["dsp"] { channel.processing = self.processing(tree, field(place, "dsp"), onto: processing) }
    return channel
  }

  /// `input_device_id` is a number or words; `input` is the same.
  private mutating func device(_ fields: Fields, _ tree: SettingTree, _ place: String, _ side: String) -> String {
    let name = fields[side] == nil ? side + "_device_id" : side
    if fields[side] != nil, let other = fields[side + "_device_id"] {
      fail(.duplicateName, other, field(place, side + "_device_id"), "\"\(side)\" says it already")
    }
    guard let value = fields[name] else {
      fail(.missingKey, tree, field(place, side + "_device_id"), "a channel needs a device for its \(side)")
      return ""
    }
    switch value.value {
    case .integer(let number) where (0...1_000_000).contains(number): return "#\(number)"
    case .text(let words) where !words.isEmpty && words.utf8.count <= 256 && words == printable(words, limit: 256):
      return words
    case .nothing: return "default"
    default:
      fail(
        .badValue, value, field(place, name),
        "a device's number or the words that name it are wanted, not \(Self.shown(value))"
      )
      return ""
    }
  }

  private mutating func processing(
    _ tree: SettingTree, _ place: String, onto base: Settings.Channels.Processing
  ) -> Settings.Channels.Processing {
    var result = base
    let parts = fields(tree, place, ["comp", "limiter"])
    if let tree = parts["comp"] {
      let place = field(place, "comp")
      let fields = fields(
        tree, place, ["ratio", "threshold_db", "attack_ms", "release_ms", "knee_db", "makeup_db", "enabled"])
      number(fields, place, "ratio", 1...100) { result.compressor.ratio = $0 }
      number(fields, place, "threshold_db", -80...0) { result.compressor.threshold = $0 }
      number(fields, place, "attack_ms", 0.1...500) { result.compressor.attack = $0 }
      number(fields, place, "release_ms", 5...5000) { result.compressor.release = $0 }
      number(fields, place, "knee_db", 0...24) { result.compressor.knee = $0 }
      number(fields, place, "makeup_db", -24...24) { result.compressor.makeUp = $0 }
      flag(fields, place, "enabled") { result.compressor.isEnabled = $0 }
    }
    if let tree = parts["limiter"] {
      let place = field(place, "limiter")
      let fields = fields(tree, place, ["ceiling_db", "release_ms", "hold_ms", "enabled"])
      number(fields, place, "ceiling_db", -24...0) { result.limiter.ceiling = $0 }
      number(fields, place, "release_ms", 5...1000) { result.limiter.release = $0 }
      number(fields, place, "hold_ms", 0...200) { result.limiter.hold = $0 }
      flag(fields, place, "enabled") { result.limiter.isEnabled = $0 }
    }
    return result
  }

  // MARK: Fields

  private func field(_ place: String, _ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }

  private mutating func fields(_ tree: SettingTree, _ place: String, _ known: [String]) -> Fields {
    guard case .table(let entries) = tree.value else {
      fail(.wrongType, tree, place.isEmpty ? "config" : place, "fields are wanted, not \(tree.value.typeName)")
      return [:]
    }
    var fields: Fields = [:]
    for entry in entries {
      guard known.contains(entry.key) else {
        let near = nearestName(to: entry.key, among: known).map { "\"\(field(place, $0))\"" }
        fail(
          .unknownKey, entry.tree, field(place, printable(entry.key)),
          "unknown; known are \(known.joined(separator: ", "))", hint: near)
        continue
      }
      fields[entry.key] = entry.tree
    }
    return fields
  }

  private mutating func integer(
    _ fields: Fields, _ place: String, _ name: String, _ range: ClosedRange<Int>, _ take: (Int) -> Void
  ) {
    guard let tree = fields[name] else { return }
    var value: Int?
    if case .integer(let integer) = tree.value { value = integer }
    // 44100.0 is what some writers make of it.
    if case .number(let number) = tree.value { value = Int(exactly: number) }
    guard let value else {
      return fail(.wrongType, tree, field(place, name), "an integer is wanted, not \(Self.shown(tree))")
    }
    guard range.contains(value) else {
      return fail(
        .outOfRange, tree, field(place, name), "\(value) is out of range, \(range.lowerBound) to \(range.upperBound)")
    }
    take(value)
  }

  private mutating func number(
    _ fields: Fields, _ place: String, _ name: String, _ range: ClosedRange<Double>, _ take: (Double) -> Void
  ) {
    guard let tree = fields[name] else { return }
    var value: Double?
    if case .integer(let integer) = tree.value { value = Double(integer) }
    if case .number(let number) = tree.value { value = number }
    guard let value else {
      return fail(.wrongType, tree, field(place, name), "a number is wanted, not \(Self.shown(tree))")
    }
    guard range.contains(value) else {
      let (low, high) = (SettingValue.number(range.lowerBound), SettingValue.number(range.upperBound))
      return fail(
        .outOfRange, tree, field(place, name), "\(SettingValue.number(value)) is out of range, \(low) to \(high)")
    }
    take(value)
  }

  private mutating func flag(_ fields: Fields, _ place: String, _ name: String, _ take: (Bool) -> Void) {
    guard let tree = fields[name] else { return }
    guard case .flag(let flag) = tree.value else {
      return fail(.wrongType, tree, field(place, name), "true or false is wanted, not \(Self.shown(tree))")
    }
    take(flag)
  }

  private mutating func choice(
    _ fields: Fields, _ place: String, _ name: String, _ choices: [String], _ take: (String) -> Void
  ) {
    guard let tree = fields[name] else { return }
    guard case .text(let text) = tree.value, choices.contains(text) else {
      var hint: String?
      if case .text(let text) = tree.value { hint = nearestName(to: text, among: choices).map { "\"\($0)\"" } }
      return fail(
        .notAChoice, tree, field(place, name),
        "one of \(choices.joined(separator: ", ")) is wanted, not \(Self.shown(tree))",
        hint: hint)
    }
    take(text)
  }

  private static func shown(_ tree: SettingTree) -> String {
    switch tree.value {
    case .text(let text): "\"\(printable(text, limit: 40))\""
    case .integer(let integer): "\(integer)"
    case .number(let number): "\(SettingValue.number(number))"
    case .flag(let flag): "\(flag)"
    default: tree.value.typeName
    }
  }

  private mutating func fail(
    _ code: SettingsError.Code, _ tree: SettingTree, _ key: String, _ message: String, hint: String? = nil
  ) {
    problems.add(
      SettingsError(
        code: code, file: tree.origin.file, line: tree.origin.line, column: tree.origin.column, key: key,
        message: "\(key): \(message)", hint: hint))
  }
}
