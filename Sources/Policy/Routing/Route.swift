/// Where an application's sound goes.
public enum Route: Sendable, Hashable {
  /// Through the processed bus.
  case processed
  /// To the device as it is; still part of what is captured.
  case bypass
  /// Through a bus of the profile.
  case bus(String)
  /// To the device, and to no client.
  case exclude

  public static let words = ["processed", "bypass", "exclude"]
  public static let grammar = "\"processed\", \"bypass\", \"exclude\" or \"bus:<name>\""

  /// Nil for anything but `grammar`.
  public init?(_ text: String) {
    switch text {
    case "processed": self = .processed
    case "bypass": self = .bypass
    case "exclude": self = .exclude
    default:
      guard text.hasPrefix("bus:"), isBusName(String(text.dropFirst(4))) else { return nil }
      self = .bus(String(text.dropFirst(4)))
    }
  }

  public var bus: String? {
    if case .bus(let name) = self { name } else { nil }
  }
}

extension Route: CustomStringConvertible {
  public var description: String {
    switch self {
    case .processed: "processed"
    case .bypass: "bypass"
    case .exclude: "exclude"
    case .bus(let name): "bus:\(name)"
    }
  }
}

/// What a bus may be called: it becomes part of a node's name.
public func isBusName(_ text: String) -> Bool {
  (1...32).contains(text.utf8.count)
    && text.utf8.allSatisfy {
      switch $0 {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
      default: false
      }
    }
}
