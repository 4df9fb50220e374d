/// Which device, whatever the sound system numbers or names it today: the same after it was unplugged, after a restart of the
/// server, after somebody has renamed it, and on the next day.
///
/// It is made of what belongs to the hardware; what has no hardware is known by its name.
public struct DeviceIdentity: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Such as `pipewire:output:serial/Focusrite_Scarlett_2i2_Y8XF/analog`.
  public let text: String

  public init(text: String) { self.text = text }

  public var description: String { text }

  /// Whether words are written as an identity is, of whatever device.
  public static func isWritten(_ words: String) -> Bool {
    let parts = words.split(separator: ":", maxSplits: 2)
    return parts.count == 3 && DeviceRegistry.systemNames.contains(String(parts[0]))
      && DeviceDirection(rawValue: String(parts[1])) != nil
  }
  public static func < (a: Self, b: Self) -> Bool { a.text < b.text }

  /// What a device is called as long as nobody else is called so.
  init(_ sighting: DeviceSighting, in system: String) {
    self.init(text: "\(system):\(sighting.direction.rawValue):" + Self.key(sighting))
  }

  /// For one whose identity another device has: where it is plugged in tells two of a kind apart.
  func told(apart sighting: DeviceSighting, where isTaken: (DeviceIdentity) -> Bool) -> DeviceIdentity {
    guard isTaken(self) else { return self }
    for mark in [sighting.hardware.busPath, sighting.name] where !mark.isEmpty && !text.hasSuffix(Self.plain(mark)) {
      let longer = DeviceIdentity(text: text + "@" + Self.plain(mark))
      if !isTaken(longer) { return longer }
    }
    var number = 2
    while isTaken(DeviceIdentity(text: "\(text)#\(number)")) { number += 1 }
    return DeviceIdentity(text: "\(text)#\(number)")
  }

  private static func key(_ sighting: DeviceSighting) -> String {
    let hardware = sighting.hardware
    let strongest = [
      ("serial", hardware.serial), ("bus", hardware.busID), ("path", hardware.busPath), ("card", hardware.card),
    ].first { !$0.1.isEmpty }
    guard let (kind, value) = strongest else { return "name/" + plain(sighting.name) }
    let part = DevicePart.name(hardware.part)
    return "\(kind)/\(plain(value))" + (part.isEmpty ? "" : "/" + plain(part))
  }

  /// One word that a shell and a line of a configuration leave as it is.
  private static func plain(_ text: String) -> String {
    var word = ""
    for scalar in text.unicodeScalars.prefix(160) {
      let isPlain = scalar.value > 0x20 && scalar.value != 0x7F && !"*?\"'\\".unicodeScalars.contains(scalar)
      word.unicodeScalars.append(isPlain ? scalar : "_")
    }
    return word
  }
}

/// Which part of a card: a profile without what it says of channels, for a card that is switched from stereo to surround
/// stays the same device.
enum DevicePart {
  static func name(_ profile: String) -> String {
    profile.split(separator: "-").filter { word in
      !["stereo", "mono", "surround", "multichannel"].contains(word) && !(word.count == 2 && isChannels(word))
    }.joined(separator: "-")
  }

  /// As 51 in `analog-surround-51`.
  private static func isChannels(_ word: Substring) -> Bool {
    ["21", "40", "41", "50", "51", "71"].contains(String(word))
  }
}
