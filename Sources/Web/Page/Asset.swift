/// A part of the page, which is in the program: nothing is read from a disk or from elsewhere.
public struct Asset: Sendable, Equatable {
  public let path: String
  public let type: String
  public let text: String

  public static let all: [Asset] = PageText.parts
}
