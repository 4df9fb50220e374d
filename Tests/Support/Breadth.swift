/// How wide a test goes: with `STREAMD_SOAK` through everything, otherwise through the few cases that differ most, so that
/// every change can be judged in the time its author waits.
public enum Breadth {
  public static let isLong = Environment.current["STREAMD_SOAK"] != nil

  public static func of<Case>(_ all: some Collection<Case>, brief: [Case]) -> [Case] { isLong ? Array(all) : brief }

  public static func rounds(short: Int, long: Int) -> Int { isLong ? long : short }
}
