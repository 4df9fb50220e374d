/// A device as a sound system shows it at one moment.
public struct DeviceSighting: Sendable, Equatable {
  /// What the sound system tells it by while it is there, and perhaps gives another one later.
  public var handle: String
  public var direction: DeviceDirection
  public var name: String
  public var description: String
  public var nick: String
  public var channels: [String]
  public var rates: DeviceRates
  public var formats: [String]
  public var hardware: DeviceHardware
  public var isOurs: Bool

  public init(
    handle: String, direction: DeviceDirection, name: String, description: String = "", nick: String = "",
    channels: [String] = [], rates: DeviceRates = DeviceRates(), formats: [String] = [],
    hardware: DeviceHardware = DeviceHardware(), isOurs: Bool = false
  ) {
    self.handle = handle
    self.direction = direction
    self.name = name
    self.description = description
    self.nick = nick
    self.channels = channels
    self.rates = rates
    self.formats = formats
    self.hardware = hardware
    self.isOurs = isOurs
  }
}

/// All devices of one sound system at one moment.
public struct DeviceSnapshot: Sendable, Equatable {
  public var sightings: [DeviceSighting]
  /// Names of what is taken when nobody names one.
  public var defaults: [DeviceDirection: String]
  /// Why there is nothing to be seen; nil when all is.
  public var trouble: BackendError?

  public init(
    sightings: [DeviceSighting] = [], defaults: [DeviceDirection: String] = [:], trouble: BackendError? = nil
  ) {
    self.sightings = sightings
    self.defaults = defaults
    self.trouble = trouble
  }
}

/// Who sees the devices of one sound system come and go.
public protocol DeviceWatch: AnyObject, Sendable {
  var system: String { get }
  /// Calls `seen` with what there is, and again whenever that has changed, on the watch's own thread, until replaced by
  /// another or by nil; after that it is not called any more. What is called must not wait.
  /// Thread: any but the watch's.
  func observe(_ seen: (@Sendable (DeviceSnapshot) -> Void)?)
}
