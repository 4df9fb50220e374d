public import AudioCore
public import Control

/// What was measured since somebody's last look. Pure: readings go in, what they come to comes out.
public struct MeterWindow: Sendable {
  private var readings: [MeterName: MeterReading] = [:]
  private var order: [MeterName] = []
  public private(set) var begin: HostTime
  public private(set) var end: HostTime

  public init(from begin: HostTime) {
    self.begin = begin
    end = begin
  }

  public mutating func add(_ collected: [MeterReading], at now: HostTime) {
    end = now
    for reading in collected {
      if readings[reading.name] == nil { order.append(reading.name) }
      readings[reading.name]?.add(reading)
      if readings[reading.name] == nil { readings[reading.name] = reading }
    }
  }

  /// And what a later window holds.
  public mutating func add(_ later: MeterWindow) {
    add(later.order.compactMap { later.readings[$0] }, at: later.end)
  }

  /// What it holds; it begins anew.
  public mutating func take() -> MeterWindow {
    defer { self = MeterWindow(from: end) }
    return self
  }

  public func readings(_ group: MeterName.Group) -> [MeterReading] {
    order.lazy.filter { $0.group == group }.compactMap { readings[$0] }
  }

  public subscript(name: MeterName) -> MeterReading? { readings[name] }

  /// As an event has it.
  public var json: JSON {
    var members: JSONObject = [
      "time_ns": JSON(end.nanoseconds), "span_ms": JSON(((end - begin).milliseconds * 100).rounded() / 100),
    ]
    for group in MeterName.Group.allCases { members[group.list] = .array(readings(group).map(\.json)) }
    return .object(members)
  }
}
