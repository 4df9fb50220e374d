/// Names a state of something by its text: who changes it can say which state the change was meant for.
public enum EntityTag {
  /// FNV-1a of 64 bits, in hexadecimal digits. It tells versions apart and keeps nothing secret.
  public static func of(_ bytes: some Sequence<UInt8>) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  public static func of(_ json: JSON) -> String { of(json.bytes) }

  /// What a verb with an `if_match` argument does first: nothing, where the state is still the one that was meant.
  public static func check(
    _ expected: String?, against state: @autoclosure () throws(ControlError) -> JSON
  ) throws(ControlError) {
    guard let expected, expected != "*" else { return }
    let present = of(try state())
    guard expected != present else { return }
    throw ControlError(
      .conflict, "it has changed since you looked: its tag is \(present)", path: "if_match",
      hint: "read it again, then repeat the change", detail: "stale")
  }
}
