/// Whose sound a capture of a sink hears.
public enum AppChoice: Hashable, Sendable {
  case everybody
  /// Everybody but those that are not to be captured.
  case allowed
  /// Applications that this rule names, also where they play into a bus of ours.
  case only(String)
  /// Those that are allowed, without the ones that this rule names.
  case without(String)

  /// For people; empty for everybody who may be heard.
  public var title: String {
    switch self {
    case .everybody, .allowed: ""
    case .only(let rule): "app:\(rule)"
    case .without(let rule): "desktop minus app:\(rule)"
    }
  }
}
