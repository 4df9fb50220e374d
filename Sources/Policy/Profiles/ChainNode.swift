public import Settings

/// One node of a bus: what `Chain` of graph files takes as `kind` and `args`.
public struct ChainNode: Sendable, Equatable {
  public struct Argument: Sendable, Equatable {
    public var name: String
    public var value: SettingValue

    public init(_ name: String, _ value: SettingValue) {
      self.name = name
      self.value = value
    }
  }

  /// Nil for one that is called as its kind.
  public var name: String?
  public var kind: String
  public var args: [Argument]

  public init(_ kind: String, name: String? = nil, _ args: [Argument] = []) {
    self.kind = kind
    self.name = name
    self.args = args
  }

  public subscript(name: String) -> SettingValue? { args.first { $0.name == name }?.value }
}

/// How a bus treats sound.
public enum BusChain: Sendable, Equatable {
  /// By a preset of graph files.
  case preset(String)
  case nodes([ChainNode])
}

/// A bus of a profile. The processed one is called `processed`.
public struct BusDescription: Sendable, Equatable {
  public static let processed = "processed"

  public var name: String
  public var description: String
  /// As a profile says it; nil for the device's.
  public var channels: String?
  public var chain: BusChain

  public init(name: String, description: String = "", channels: String? = nil, chain: BusChain) {
    self.name = name
    self.description = description
    self.channels = channels
    self.chain = chain
  }
}
