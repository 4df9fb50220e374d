/// Which way sound goes, seen from us: an input is recorded, an output is played to.
public enum DeviceDirection: String, Hashable, Sendable, CaseIterable {
  case input, output

  public var defaultDevice: DefaultDevice { self == .input ? .source : .sink }
}

/// One device of a sound system: a microphone, a sink, a sound card's PCM, a client's ports.
public struct Device: Sendable, Equatable {
  public let id: DeviceIdentity
  /// A short name for it; nil for those of this process.
  public let number: Int?
  public let system: String
  public let direction: DeviceDirection
  /// What a stream is asked for.
  public var name: String
  /// What people read.
  public var description: String
  public var nick: String
  /// Of each channel; empty while not known.
  public var channels: [String]
  /// Rates it was seen to offer; empty while not known.
  public var rates: DeviceRates
  /// Sample formats, as their sound system spells them.
  public var formats: [String]
  public var hardware: DeviceHardware
  /// What is taken when nobody names one.
  public var isDefault: Bool
  /// One that this process makes.
  public var isOurs: Bool

  /// Recording a Bluetooth headset switches it from music to telephony: it is only done for who names it.
  public var isHeldBack: Bool { direction == .input && hardware.isBluetooth }

  init(_ id: DeviceIdentity, _ number: Int?, _ sighting: DeviceSighting, in system: String, isDefault: Bool) {
    self.id = id
    self.number = number
    self.system = system
    direction = sighting.direction
    name = sighting.name
    description = sighting.description
    nick = sighting.nick
    channels = sighting.channels
    rates = sighting.rates
    formats = sighting.formats
    hardware = sighting.hardware
    self.isDefault = isDefault
    isOurs = sighting.isOurs
  }

  /// What to call it.
  public var title: String { description.isEmpty ? name : description }
}

public struct DeviceRates: Sendable, Equatable {
  /// In order.
  public var values: [Int]
  /// Where it takes any rate between two.
  public var range: ClosedRange<Int>?

  public init(_ values: [Int] = [], range: ClosedRange<Int>? = nil) {
    self.values = Array(Set(values)).sorted()
    self.range = range
  }

  public var isKnown: Bool { range != nil || !values.isEmpty }
  /// True also where nothing is known.
  public func allow(_ rate: Int) -> Bool { !isKnown || values.contains(rate) || range?.contains(rate) == true }
}

/// What is known of the thing behind a device; empty words are not known.
public struct DeviceHardware: Sendable, Equatable {
  /// The device's own, where its maker gave it one.
  public var serial: String
  public var busID: String
  /// Where it is plugged in.
  public var busPath: String
  /// `usb`, `pci`, `bluetooth` …
  public var bus: String
  public var vendor: String
  public var product: String
  public var card: String
  /// Which part of the card.
  public var part: String

  public init(
    serial: String = "", busID: String = "", busPath: String = "", bus: String = "", vendor: String = "",
    product: String = "", card: String = "", part: String = ""
  ) {
    self.serial = serial
    self.busID = busID
    self.busPath = busPath
    self.bus = bus
    self.vendor = vendor
    self.product = product
    self.card = card
    self.part = part
  }

  public var isBluetooth: Bool { bus == "bluetooth" }
}
