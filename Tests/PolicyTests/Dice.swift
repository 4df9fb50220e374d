/// Chance that is the same each time.
struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func text(of letters: String, lengths: ClosedRange<Int>) -> String {
    let letters = Array(letters)
    return String((0..<Int.random(in: lengths, using: &self)).map { _ in letters.randomElement(using: &self) ?? "a" })
  }

  mutating func flip(_ chance: Double = 0.5) -> Bool { Double.random(in: 0..<1, using: &self) < chance }
}
