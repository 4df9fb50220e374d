import Control

/// The protocol as the running daemon knows it.
enum DescribeCommand: Command {
  static let name = "describe"
  static let summary = "the operations, topics and errors of the socket"
  static let usage = "usage: streamctl describe [--json | --markdown]"
  static let flags: Set<String> = ["--markdown"]

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 0)
    let description = try options.connect().request("describe")
    if options.asJSON {
      print(description.text)
    } else {
      print(ProtocolPage.markdown(description), terminator: "")
    }
    return .ok
  }
}
