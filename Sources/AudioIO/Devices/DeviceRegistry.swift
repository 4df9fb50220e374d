/// What has become different about devices.
public enum DeviceEvent: Sendable, Equatable {
  case removed(Device)
  case added(Device)
  case changed(Device)
  /// Another device, or none, is taken when nobody names one.
  case defaulted(system: String, DeviceDirection, Device?)
}

/// The book of devices: told by sound systems what they see, it knows each device again. Pure.
public struct DeviceRegistry: Sendable {
  private struct Place: Hashable {
    var system: String
    var handle: String
    var direction: DeviceDirection
  }

  private struct Memory {
    /// Newest first, the present one not among them.
    var formerNames: [String] = []
    var lastName: String
    /// Counts up with every change of the book.
    var seen: Int
  }

  private var present: [DeviceIdentity: Device] = [:]
  private var places: [Place: DeviceIdentity] = [:]
  private var memories: [DeviceIdentity: Memory] = [:]
  private var troubles: [String: BackendError] = [:]
  private var listed: Set<String> = []
  private var defaults: [String: [DeviceDirection: DeviceIdentity]] = [:]
  private var clock = 0
  public private(set) var numbers: DeviceNumbers

  /// Of a system's devices more are not taken in.
  public static let limit = 512
  /// Devices that are not there and are remembered.
  static let memoryLimit = 256
  static let nameLimit = 4

  public init(numbers: DeviceNumbers = DeviceNumbers()) { self.numbers = numbers }

  /// By sound system and name.
  public var devices: [Device] {
    present.values.sorted {
      ($0.system, $0.direction.rawValue, $0.name, $0.id) < ($1.system, $1.direction.rawValue, $1.name, $1.id)
    }
  }

  public subscript(id: DeviceIdentity) -> Device? { present[id] }

  /// Sound systems that have told what they see.
  public var systems: Set<String> { listed }

  /// Why a sound system shows nothing.
  public func trouble(of system: String) -> BackendError? { troubles[system] }

  public func defaultDevice(_ direction: DeviceDirection, of system: String) -> Device? {
    defaults[system]?[direction].flatMap { present[$0] }
  }

  /// The one that had this name once; nil where several had.
  func former(_ name: String, _ fits: (DeviceIdentity) -> Bool) -> DeviceIdentity? {
    let found = memories.filter { fits($0.key) && ($0.value.formerNames.contains(name) || $0.value.lastName == name) }
    return found.count == 1 ? found.first?.key : nil
  }

  /// Takes in what a sound system sees now. What has gone comes first.
  public mutating func update(_ system: String, _ snapshot: DeviceSnapshot) -> [DeviceEvent] {
    clock += 1
    listed.insert(system)
    troubles[system] = snapshot.trouble
    let sightings = snapshot.sightings.prefix(Self.limit)
    var events = takeAway(system, Set(sightings.map { place($0, system) }))
    // In one order, so that two of a kind are told apart the same way every time.
    for sighting in sightings.sorted(by: {
      ($0.hardware.busPath, $0.name, $0.handle) < ($1.hardware.busPath, $1.name, $1.handle)
    }) {
      if let event = take(sighting, system) { events.append(event) }
    }
    for direction in DeviceDirection.allCases {
      let name = snapshot.defaults[direction]
      let next = name.flatMap { name in
        devices.first { $0.system == system && $0.direction == direction && $0.name == name }?.id
      }
      guard next != defaults[system]?[direction] else { continue }
      if let before = defaults[system]?[direction] { present[before]?.isDefault = false }
      defaults[system, default: [:]][direction] = next
      if let next { present[next]?.isDefault = true }
      events.append(.defaulted(system: system, direction, next.flatMap { present[$0] }))
    }
    forget()
    return events
  }

  private func place(_ sighting: DeviceSighting, _ system: String) -> Place {
    Place(system: system, handle: sighting.handle, direction: sighting.direction)
  }

  private mutating func takeAway(_ system: String, _ there: Set<Place>) -> [DeviceEvent] {
    var gone: [Device] = []
    for (place, id) in places where place.system == system && !there.contains(place) {
      places[place] = nil
      if let device = present.removeValue(forKey: id) { gone.append(device) }
    }
    return gone.sorted { $0.id < $1.id }.map { .removed($0) }
  }

  private mutating func take(_ sighting: DeviceSighting, _ system: String) -> DeviceEvent? {
    let place = place(sighting, system)
    // What it was called when it came it is called as long as it stays, also when more is learned of it.
    if let id = places[place], let before = present[id] {
      let now = Device(id, before.number, sighting, in: system, isDefault: before.isDefault)
      guard now != before else { return nil }
      present[id] = now
      remember(now)
      return .changed(now)
    }
    let id = DeviceIdentity(sighting, in: system).told(apart: sighting) { present[$0] != nil }
    let number = sighting.isOurs ? nil : numbers.number(of: id)
    let device = Device(id, number, sighting, in: system, isDefault: false)
    places[place] = id
    present[id] = device
    remember(device)
    return .added(device)
  }

  private mutating func remember(_ device: Device) {
    var memory = memories[device.id] ?? Memory(lastName: device.name, seen: clock)
    memory.seen = clock
    if memory.lastName != device.name {
      memory.formerNames.removeAll { $0 == memory.lastName || $0 == device.name }
      memory.formerNames.insert(memory.lastName, at: 0)
      memory.formerNames = Array(memory.formerNames.prefix(Self.nameLimit))
      memory.lastName = device.name
    }
    memories[device.id] = memory
  }

  /// The longest unseen go first.
  private mutating func forget() {
    let away = memories.filter { present[$0.key] == nil }
    guard away.count > Self.memoryLimit else { return }
    for (id, _) in away.sorted(by: { ($0.value.seen, $0.key) < ($1.value.seen, $1.key) }).prefix(
      away.count - Self.memoryLimit)
    {
      memories[id] = nil
    }
  }

  /// Whether this was ever seen, and has not been forgotten.
  public func knows(_ id: DeviceIdentity) -> Bool { memories[id] != nil }
}
