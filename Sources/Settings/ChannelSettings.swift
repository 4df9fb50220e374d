extension Settings {
  /// Duplex channels: what each records is treated and played, for as long as the daemon runs.
  public struct Channels: Sendable, Equatable {
    public enum Format: String, Sendable, CaseIterable {
      case int16, int24, int32, float32

      /// Of whole numbers so coarse that rounding to them wants noise.
      public var ditherBits: Int? {
        switch self {
        case .int16: 16
        case .int24: 24
        case .int32, .float32: nil
        }
      }
    }

    public struct Compressor: Sendable, Equatable {
      public var isEnabled = true
      public var ratio = 2.0
      public var threshold = -20.0
      public var attack = 10.0
      public var release = 100.0
      public var knee = 0.0
      public var makeUp = 0.0

      public init() {}
    }

    public struct Limiter: Sendable, Equatable {
      public var isEnabled = true
      public var ceiling = -3.0
      public var release = 8.0
      /// How long a gain stays before it goes back: half a period of the lowest tone that stays clean.
      public var hold = 5.0

      public init() {}
    }

    public struct Processing: Sendable, Equatable {
      public var compressor = Compressor()
      public var limiter = Limiter()

      public init() {}
    }

    /// One channel, from one device to another, each by the words that name it.
    public struct Channel: Sendable, Equatable {
      public var name = ""
      public var input: String
      public var output: String
      /// In the place of what is said for all.
      public var processing: Processing?

      public init(input: String, output: String) {
        self.input = input
        self.output = output
      }
    }

    /// A file of JSON that says all this at start; empty for none.
    public var file = ""
    public var sampleRate = 44_100
    public var format = Format.int16
    /// Of each logical channel.
    public var count = 2
    public var blockSize = 512
    public var processing = Processing()
    /// By their numbers.
    public var logical: [Int: Channel] = [:]

    /// There may be so many.
    public static let limit = 32
    public static let numbers = 1...999

    public init() {}

    public func processing(of channel: Channel) -> Processing { channel.processing ?? processing }
  }
}

extension Settings.Channels {
  /// These with what a text says: what it leaves out stays as it is; the channels, if it names any, are those and no others.
  /// Everything that is wrong is thrown together, and each error names its field.
  ///
  /// `place` is what the fields are in, such as `channels` in a file of ours.
  public func applying(_ tree: SettingTree, in place: String = "") throws(SettingsErrors) -> Self {
    var reader = ChannelReader(place)
    let result = reader.read(tree, onto: self)
    guard reader.problems.isEmpty else { throw reader.problems }
    return result
  }
}
