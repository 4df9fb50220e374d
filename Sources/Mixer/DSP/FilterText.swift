public import AudioCore
import Glibc

/// Why a text is no equalizer.
public struct FilterTextError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    case tooLong
    case unknownCommand(String)
    case unsupported(String)
    case unknownFilter(String)
    case missing(String)
    case badNumber(field: String, text: String)
    case outOfRange(field: String, text: String, range: String)
    case trailing(String)
    case tooManyBands(limit: Int)
    case unknownChannel(String)
    case empty
  }

  /// From 1; 0 for the text as a whole.
  public var line: Int
  public var reason: Reason

  public var code: String { "bad_filter_text" }

  public var description: String {
    let text =
      switch reason {
      case .tooLong: "longer than 64 KiB"
      case .unknownCommand(let word): "\"\(word)\" is no command"
      case .unsupported(let word): "\(word) is not supported"
      case .unknownFilter(let word): "\"\(word)\" is no type of filter"
      case .missing(let field): "\(field) is missing"
      case .badNumber(let field, let text): "\(field) \"\(text)\" is no number"
      case .outOfRange(let field, let text, let range): "\(field) \(text): \(range)"
      case .trailing(let word): "\"\(word)\" is not understood"
      case .tooManyBands(let limit): "more than \(limit) filters"
      case .unknownChannel(let name): "no channel \"\(name)\""
      case .empty: "holds no filter"
      }
    return line > 0 ? "line \(line): \(text)" : text
  }
}

/// Reads what AutoEQ and Equalizer APO write: `Preamp: -6.2 dB`, `Filter 1: ON PK Fc 105 Hz Gain 5.5 dB Q 0.70`. Lines that
/// would change the sound and are not understood are refused, never skipped. Thread: control.
public struct FilterText: Hashable, Sendable {
  public var preamp = Decibels(0)
  public var bands: [EqualizerBand] = []

  static let limit = 1 << 16

  public init(parsing text: String, layout: ChannelLayout = .stereo) throws(FilterTextError) {
    guard text.utf8.count <= Self.limit else { throw FilterTextError(line: 0, reason: .tooLong) }
    var channels = UInt8.max
    var isEmpty = true
    for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let comment = raw.prefix { $0 != "#" }
      var words = FilterWords(comment, line: index + 1)
      guard let command = words.command() else { continue }
      isEmpty = false
      switch command {
      case "preamp":
        preamp = Decibels(preamp.value + (try words.decibels("preamp")))
        try words.end()
      case "channel": channels = try words.channels(of: layout)
      case "device":
        guard words.rest().allSatisfy({ $0.lowercased() == "all" }) else {
          throw words.error(.unsupported("a choice of device"))
        }
      case "filter":
        guard var band = try words.filter() else { continue }
        guard bands.count < EqualizerCurve.bandLimit else {
          throw words.error(.tooManyBands(limit: EqualizerCurve.bandLimit))
        }
        band.channels = channels
        bands.append(band)
      case "graphiceq", "convolution", "include", "copy", "delay", "stage", "if", "elseif", "else", "endif", "eval",
        "loudnesscorrection", "vstplugin":
        throw words.error(.unsupported(command))
      default: throw words.error(.unknownCommand(command))
      }
    }
    if isEmpty { throw FilterTextError(line: 0, reason: .empty) }
  }
}
