public import AudioIO

/// Which device, by the stable name of its node.
public struct MicDeviceID: Hashable, Sendable, CustomStringConvertible {
  public let name: String

  public init(_ name: String) { self.name = name }

  public var description: String { name }
}

/// Whose sound a device carries.
public enum MicAudience: Hashable, Sendable {
  /// All talkers, summed.
  case everyone
  /// The talkers that were admitted with this device as their own.
  case assigned
}

/// Opens a device. Called on the pump's thread, so it must not take long: all talkers wait for it. It must not hold the pump.
public typealias MicOpener = @Sendable () throws(BackendError) -> any VirtualMicrophone
