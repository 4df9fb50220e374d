/// The programs people record with.
public enum SourceRecorder: String, CaseIterable, Sendable {
  case pipewire, pulse, alsa, jack

  public static let brief: [SourceRecorder] = [.pipewire, .alsa]

  /// What records from the source of this name until it is interrupted; an interrupted `jack_rec` leaves nothing, so that
  /// one ends by itself. JACK knows sources by their description.
  public func command(
    _ file: String, source: String, description: String, channels: Int = 1, seconds: Double = 2
  ) -> [String] {
    switch self {
    case .pipewire: ["pw-record", "--target", source, "--channels", "\(channels)", "--format", "f32", file]
    case .pulse:
      [
        "parecord", "--device=\(source)", "--channels=\(channels)", "--rate=48000", "--format=float32le",
        "--latency-msec=20", "--file-format=wav", file,
      ]
    case .alsa:
      [
        "env", "PIPEWIRE_ALSA={ target.object=\(source) }", "arecord", "-q", "-D", "pipewire", "-f", "FLOAT_LE", "-r",
        "48000", "-c", "\(channels)", file,
      ]
    case .jack:
      ["pw-jack", "jack_rec", "-f", file, "-d", "\(Int(seconds.rounded(.up)))", "-b", "16"]
        + (channels == 1 ? ["MONO"] : ["FL", "FR"]).map { "\(description):capture_\($0)" }
    }
  }
}
