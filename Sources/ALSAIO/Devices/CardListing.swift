import AudioCore
import AudioIO
import CALSA
import CALSASystem
import Glibc

/// ALSA's devices at one moment: cards through their controls, without opening a PCM, and PCMs that its configuration names.
///
/// Opening a PCM to ask for its rates would take it from whoever wants it in that moment: they stay unknown.
enum CardListing {
  /// So many cards the kernel may have.
  private static let mostCards = 32
  private static let mostParts = 64

  static func read(_ configuration: PCMConfiguration) -> DeviceSnapshot {
    let named = configuration.names
    var sightings = cards()
    for pcm in named {
      for direction in pcm.directions {
        sightings.append(
          DeviceSighting(
            handle: "pcm/\(pcm.name)", direction: direction, name: pcm.name, description: pcm.description))
      }
    }
    var defaults: [DeviceDirection: String] = [:]
    for direction in DeviceDirection.allCases {
      // Without a configuration of it, the default is the first card.
      let isNamed = named.contains { $0.name == "default" && $0.directions.contains(direction) }
      defaults[direction] =
        isNamed ? "default" : sightings.first { $0.direction == direction && !$0.hardware.card.isEmpty }?.name
    }
    return DeviceSnapshot(sightings: sightings, defaults: defaults)
  }

  private static func cards() -> [DeviceSighting] {
    var found: [DeviceSighting] = []
    var number: Int32 = -1
    for _ in 0..<mostCards {
      guard snd_card_next(&number) >= 0, number >= 0 else { break }
      found += parts(of: number)
    }
    return found
  }

  private static func parts(of card: Int32) -> [DeviceSighting] {
    var opened: OpaquePointer?
    guard snd_ctl_open(&opened, "hw:\(card)", 0) >= 0, let control = opened else { return [] }
    defer { snd_ctl_close(control) }
    var info: OpaquePointer?
    var pcm: OpaquePointer?
    guard snd_ctl_card_info_malloc(&info) >= 0, let info else { return [] }
    defer { snd_ctl_card_info_free(info) }
    guard snd_ctl_card_info(control, info) >= 0, snd_pcm_info_malloc(&pcm) >= 0, let pcm else { return [] }
    defer { snd_pcm_info_free(pcm) }
    let id = text(snd_ctl_card_info_get_id(info))
    let name = text(snd_ctl_card_info_get_name(info))
    let longName = text(snd_ctl_card_info_get_longname(info))
    let path = SystemPath.device(ofCard: card)
    var found: [DeviceSighting] = []
    var device: Int32 = -1
    for _ in 0..<mostParts {
      guard snd_ctl_pcm_next_device(control, &device) >= 0, device >= 0 else { break }
      for direction in DeviceDirection.allCases {
        snd_pcm_info_set_device(pcm, UInt32(device))
        snd_pcm_info_set_subdevice(pcm, 0)
        snd_pcm_info_set_stream(pcm, direction == .output ? SND_PCM_STREAM_PLAYBACK : SND_PCM_STREAM_CAPTURE)
        guard snd_ctl_pcm_info(control, pcm) >= 0 else { continue }
        let part = text(snd_pcm_info_get_name(pcm))
        found.append(
          DeviceSighting(
            handle: "\(card)/\(id)/\(device)", direction: direction, name: "hw:CARD=\(id),DEV=\(device)",
            description: part.isEmpty ? name : "\(name), \(part)", nick: longName,
            hardware: DeviceHardware(
              busPath: path, bus: path.contains("/usb") ? "usb" : path.contains("/pci") ? "pci" : "",
              product: name, card: id, part: "\(device)")))
      }
    }
    return found
  }

  private static func text(_ value: UnsafePointer<CChar>?) -> String { value.map { String(cString: $0) } ?? "" }
}

/// Where a card is plugged in.
enum SystemPath {
  /// The device that the kernel's card belongs to, as the path below its buses; empty where it has none.
  static func device(ofCard card: Int32) -> String {
    guard let real = realpath("/sys/class/sound/card\(card)/device", nil) else { return "" }
    defer { free(real) }
    let path = String(cString: real)
    let root = "/sys/devices"
    return path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path
  }
}
