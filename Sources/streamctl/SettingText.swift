import Control

/// Values of profiles as people read them.
enum SettingText {
  /// Each value with where it comes from, aligned.
  static func origins(_ reply: JSON) {
    for setting in reply["origins"]?.arrayValue ?? [] {
      let key = setting["key"]?.plain ?? ""
      let value = setting["value"]?.plain ?? ""
      print("\(key.padded(to: 34)) \(value.padded(to: 16)) \(setting["origin"]?.plain ?? "")")
    }
    for note in reply["notes"]?.arrayValue ?? [] { Console.note(note.plain) }
  }

  static func changes(_ reply: JSON) {
    let changes = reply["changes"]?.arrayValue ?? []
    if changes.isEmpty { print("nothing would change") }
    for change in changes {
      print(
        "\((change["key"]?.plain ?? "").padded(to: 34)) \((change["from"]?.plain ?? "-").padded(to: 16)) "
          + "\(change["to"]?.plain ?? "-")")
    }
    if let kind = reply["kind"], !changes.isEmpty { print("changes \(kind.plain)") }
  }
}
