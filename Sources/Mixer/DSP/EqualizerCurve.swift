public import AudioCore

/// One band as people set it.
public struct EqualizerBand: Hashable, Sendable {
  public var shape: FilterShape
  public var design: FilterDesign
  public var isEnabled: Bool
  /// Channels it acts on, one bit each, first channel lowest.
  public var channels: UInt8

  public init(
    _ shape: FilterShape, design: FilterDesign = .matched, isEnabled: Bool = true, channels: UInt8 = .max
  ) {
    self.shape = shape
    self.design = design
    self.isEnabled = isEnabled
    self.channels = channels
  }
}

/// All that an equalizer does, as coefficients: computed by control, handed to render as a value without references.
public struct EqualizerCurve: Sendable {
  struct Section: Sendable, BitwiseCopyable {
    var coefficients = BiquadCoefficients.identity
    var channels: UInt8 = 0

    init() {}
  }

  public static let bandLimit = 32

  var sections = InlineArray<32, Section>(repeating: Section())
  public private(set) var count = 0
  /// Linear.
  var preamp: Float = 1

  /// Nothing at all: bit exact.
  public init() {}

  /// Bands beyond the thirty-second are left out. A band that is off keeps its poles, so that it goes and comes without a
  /// click. Thread: control.
  public init(bands: [EqualizerBand], preamp: Decibels = Decibels(0), rate: SampleRate) {
    for band in bands.prefix(Self.bandLimit) {
      sections[count].coefficients = band.shape.coefficients(at: rate, design: band.design)
      sections[count].channels = band.isEnabled && !band.shape.isNeutral ? band.channels : 0
      count += 1
    }
    self.preamp = Float(preamp.amplitude)
  }

  /// The response of what one channel goes through. Thread: control.
  public func gain(at hertz: Double, rate: SampleRate, channel: Int = 0) -> Decibels {
    var total = Decibels(amplitude: Double(preamp)).value
    for index in 0..<count where sections[index].channels & (1 << UInt8(channel)) != 0 {
      total += sections[index].coefficients.gain(at: hertz, rate: rate).value
    }
    return Decibels(total)
  }
}

extension BiquadCoefficients {
  /// Passes everything, with the same poles.
  var neutral: Self { @_noLocks get { Self(b0: 1, b1: a1, b2: a2, a1: a1, a2: a2) } }

  var isNeutral: Bool { @_noLocks get { b0 == 1 && b1 == a1 && b2 == a2 } }
}
