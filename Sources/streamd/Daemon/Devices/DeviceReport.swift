import AudioIO
import Control

/// Devices as they cross the socket.
enum DeviceReport {
  static func json(_ device: Device) -> JSON {
    var members: JSONObject = device.number.map { ["number": JSON($0)] } ?? [:]
    members.merge([
      "id": .string(device.id.text), "backend": .string(device.system), "direction": .string(device.direction.rawValue),
      "name": .string(device.name), "description": .string(device.title), "default": JSON(device.isDefault),
      "channels": JSON(device.channels),
    ])
    if !device.nick.isEmpty, device.nick != device.title { members["nick"] = .string(device.nick) }
    if let range = device.rates.range {
      members["rate_range"] = [JSON(range.lowerBound), JSON(range.upperBound)]
    }
    if !device.rates.values.isEmpty { members["rates"] = .array(device.rates.values.map { JSON($0) }) }
    if !device.formats.isEmpty { members["formats"] = JSON(device.formats) }
    let hardware = device.hardware
    for (name, value) in [
      ("bus", hardware.bus), ("vendor", hardware.vendor), ("product", hardware.product), ("serial", hardware.serial),
      ("path", hardware.busPath),
    ] where !value.isEmpty {
      members[name] = .string(value)
    }
    if device.isOurs { members["ours"] = true }
    if device.isHeldBack { members["held_back"] = "bluetooth: recorded only when it is named" }
    return .object(members)
  }

  static func json(_ event: DeviceEvent) -> JSON {
    switch event {
    case .added(let device): ["change": "added", "device": json(device)]
    case .removed(let device): ["change": "removed", "device": json(device)]
    case .changed(let device): ["change": "changed", "device": json(device)]
    case .defaulted(let system, let direction, let device):
      [
        "change": "default", "backend": .string(system), "direction": .string(direction.rawValue),
        "device": device.map(json) ?? .null,
      ]
    }
  }
}
