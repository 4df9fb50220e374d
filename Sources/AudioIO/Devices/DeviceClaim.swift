/// Who wants a device by words, and keeps to it: once a device was found it is that one, wherever it is plugged in and
/// whatever it is named then, and no other that the words would fit as well. Pure.
public struct DeviceClaim: Sendable, Equatable {
  public let words: String
  public let scope: DeviceScope
  /// Who it is; nil until one was found.
  public private(set) var id: DeviceIdentity?

  public init(_ words: String, _ scope: DeviceScope) {
    self.words = words
    self.scope = scope
  }

  /// Whatever is the default is no device to keep to.
  public var isDefault: Bool { ["", "default"].contains(words) }

  /// The device as it is now, or why there is none.
  public mutating func look(in registry: DeviceRegistry) -> Result<Device, DeviceError> {
    if let id {
      if let device = registry[id] { return .success(device) }
      // One that somebody made anew under the very name is what was asked for.
      if case .success(let device) = find(in: registry), device.name == words {
        self.id = device.id
        return .success(device)
      }
      return .failure(DeviceError(.away, "\"\(words)\" is not there now", hint: "it is waited for"))
    }
    let found = find(in: registry)
    if case .success(let device) = found, !isDefault { id = device.id }
    return found
  }

  private func find(in registry: DeviceRegistry) -> Result<Device, DeviceError> {
    do throws(DeviceError) { return .success(try registry.find(words, scope)) } catch { return .failure(error) }
  }
}
