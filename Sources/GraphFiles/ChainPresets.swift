import Control

/// Chains for what people do most. All end in the limiter, so that nothing leaves above its ceiling.
public enum ChainPresets {
  public static let all: [Chain] = texts.compactMap { name, text in
    // A preset that cannot be read is our own bug, and there is a test of it.
    guard let json = try? JSON.parse(Array(text.utf8)) else { return nil }
    return try? Chain(json, name: name)
  }

  public static subscript(name: String) -> Chain? { all.first { $0.name == name } }

  static let texts: [(name: String, text: String)] = [
    (
      "transparent",
      #"""
      {"summary": "Bit for bit what came in, unless it is too loud.",
       "nodes": [{"kind": "limiter"}]}
      """#
    ),
    (
      "voice",
      #"""
      {"summary": "A microphone: rumble and hiss out, pauses quiet, words at one loudness.",
       "nodes": [
        {"kind": "equalizer", "args": {"filters": "Filter 1: ON HP Fc 80 Hz Q 0.71"}},
        {"kind": "expander", "args": {"detector": "rms", "threshold": -55, "ratio": 2, "range": 20, "release": 250}},
        {"kind": "leveller", "args": {"target": -18, "most_boost": 24, "gate": -50}},
        {"kind": "compressor", "args": {"threshold": -22, "ratio": 3, "attack": 5, "release": 80, "auto_make_up": true}},
        {"kind": "de_esser"},
        {"name": "trim", "kind": "leveller",
         "args": {"target": -18, "most_boost": 6, "most_cut": 6, "rise": 1, "fall": 1, "gate": -40}},
        {"kind": "limiter"}]}
      """#
    ),
    (
      "gaming",
      #"""
      {"summary": "Steps are heard and explosions bearable; the least delay.",
       "nodes": [
        {"kind": "compressor",
         "args": {"detector": "rms", "threshold": -26, "ratio": 2, "knee": 10, "attack": 3, "release": 120, "make_up": 4}},
        {"kind": "limiter", "args": {"lookahead": "short"}}]}
      """#
    ),
    (
      "music",
      #"""
      {"summary": "Tracks at one loudness, their dynamics as they are.",
       "nodes": [
        {"kind": "leveller", "args": {"target": -16, "rise": 1, "fall": 4, "window": 8}},
        {"kind": "limiter"}]}
      """#
    ),
    (
      "film",
      #"""
      {"summary": "Dialogue is understood, and effects do not shake the house.",
       "nodes": [
        {"kind": "leveller", "args": {"target": -20, "most_cut": 8, "window": 6}},
        {"kind": "compressor",
         "args": {"detector": "rms", "threshold": -24, "ratio": 2, "knee": 8, "attack": 15, "release": 250, "auto_make_up": true}},
        {"name": "trim", "kind": "leveller",
         "args": {"target": -20, "most_boost": 6, "most_cut": 6, "rise": 0.5, "fall": 0.5, "window": 10}},
        {"kind": "soft_ceiling", "args": {"headroom": 16}},
        {"kind": "limiter"}]}
      """#
    ),
    (
      "night",
      #"""
      {"summary": "Everything is audible at a low volume, nothing wakes anybody.",
       "nodes": [
        {"kind": "leveller", "args": {"target": -22, "most_boost": 18, "window": 2}},
        {"kind": "compressor",
         "args": {"threshold": -32, "ratio": 4, "knee": 8, "attack": 5, "release": 80, "auto_make_up": true}},
        {"name": "trim", "kind": "leveller",
         "args": {"target": -22, "most_boost": 6, "most_cut": 6, "rise": 1, "fall": 1, "window": 6}},
        {"kind": "limiter", "args": {"ceiling": -9}}]}
      """#
    ),
    (
      "party",
      #"""
      {"summary": "Loud, and the same loudness all night.",
       "nodes": [
        {"kind": "leveller", "args": {"target": -16, "window": 4}},
        {"kind": "compressor",
         "args": {"detector": "rms", "threshold": -24, "ratio": 4, "knee": 6, "attack": 10, "release": 150, "auto_make_up": true}},
        {"name": "trim", "kind": "leveller",
         "args": {"target": -13, "most_boost": 6, "most_cut": 6, "rise": 1, "fall": 1, "window": 6}},
        {"kind": "limiter"}]}
      """#
    ),
    (
      "broadcast",
      #"""
      {"summary": "EBU R 128: -23 LUFS, never above -1 dBTP.",
       "nodes": [
        {"kind": "leveller", "args": {"target": -23, "rise": 2, "fall": 6, "window": 6}},
        {"kind": "limiter"}]}
      """#
    ),
    (
      "spikes",
      #"""
      {"summary": "Only what is suddenly far too loud is turned down.",
       "nodes": [
        {"kind": "compressor",
         "args": {"threshold": -8, "ratio": 10, "knee": 2, "attack": 1, "release": 120}},
        {"kind": "limiter"}]}
      """#
    ),
  ]
}
