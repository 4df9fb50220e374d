import Settings

/// The profile that is there without any file: the same as `profiles/default.toml`.
public enum BuiltInProfile {
  public static let profile = Profile(text, over: nil)

  static let place = "built-in"

  static let text: ProfileText = {
    // One that cannot be read is our own bug, and there is a test of it.
    var text = (try? ProfileText(text: source, file: "default.toml")) ?? ProfileText(file: "default.toml")
    text.file = place
    // No place in a file that nobody can open.
    text.values = text.values.mapValues { PlacedValue($0.value, .builtIn) }
    text.rules = text.rules.map { RouteRule($0.match, $0.route) }
    return text
  }()

  static let source = """
    # What most desktops want: everything at one loudness, nothing that startles. Who makes music, or listens with care,
    # hears it untouched.
    name = "default"
    description = "Everything at one loudness; nothing startles. Music software stays untouched."

    [agc]
    target_lufs = -18
    attack_ms = 900
    release_ms = 2200
    silence_threshold_lufs = -60
    max_boost_db = 12
    max_cut_db = 14

    [compressor]
    detector = "rms"
    threshold_db = -22
    ratio = 2
    knee_db = 10
    attack_ms = 12
    release_ms = 160
    makeup_db = "auto"

    [limiter]
    ceiling_dbtp = -1
    lookahead_ms = 1.5
    release_ms = 60
    hold_ms = 25

    [limiter.soft]
    max_psr_db = 14
    static_ceiling_dbtp = -5

    # Sound as its makers meant it.
    [[rules]]
    match = { process_binary = ["ardour*", "bitwig*", "reaper", "qtractor", "lmms", "renoise", "audacity"] }
    route = "bypass"

    [[rules]]
    match = { process_binary = ["strawberry", "mpd", "quodlibet", "deadbeef", "elisa", "lollypop", "amberol"] }
    route = "bypass"

    [[rules]]
    match = { media_role = ["Production"] }
    route = "bypass"

    [default_route]
    route = "processed"

    """
}
