/// The lines of a session description that tell clients the layouts, and how clients read them.
extension SurroundParams {
  static let linePrefix = "a=fmtp:97 surround-params="

  /// All lines in order, without line ends. For each count of channels normal quality stands before high: clients take the
  /// first line for the one, the second for the other. A custom layout is printed first, once for each in the form that each
  /// reads.
  public static func lines(coupling: GameStreamCoupling = .layoutOrder, custom: SurroundParams? = nil) -> [String] {
    var lines: [String] = []
    if let custom { lines += GameStreamQuality.allCases.map { custom.digits(for: $0) } }
    for channels in [2, 6, 8] {
      for quality in GameStreamQuality.allCases {
        guard let configuration = GameStreamConfiguration(channels: channels, quality, coupling: coupling) else {
          continue
        }
        lines.append(configuration.surround.digits(for: quality))
      }
    }
    return lines.map { linePrefix + $0 }
  }

  /// The layouts a client finds in a session description; `high` is nil where it would not offer high quality.
  public static func client(searching description: String, channels: Int) throws(SurroundParamsError)
    -> (normal: SurroundParams, high: SurroundParams?)
  {
    // Stereo is never looked up.
    if channels == 2 { return (Self(known: 2, 1, 1, [0, 1]), Self(known: 2, 1, 1, [0, 1])) }
    guard channels == 6 || channels == 8 else { throw .badChannels(channels) }
    let found = description.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("\(linePrefix)\(channels)") }
      .map { $0.dropFirst(linePrefix.count).prefix { $0.isNumber } }
    guard let first = found.first else {
      guard channels == 6 else { throw .noLine(channels: channels) }
      return (Self(known: 6, 4, 2, [0, 4, 1, 5, 2, 3]), nil)
    }
    let normal = try client(reading: first, .normal)
    return (normal, found.count > 1 ? try client(reading: found[1], .high) : nil)
  }
}
