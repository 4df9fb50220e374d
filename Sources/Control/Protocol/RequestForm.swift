/// The two ways to write a request. A reply has the form of its request.
public enum RequestForm: Sendable, Equatable {
  /// `{"id":1,"op":"ping","args":{}}` → `{"id":1,"ok":true,"result":{…}}`
  case canonical
  /// `{"cmd":"ping"}` → `{"ok":true,…}` with the result's members beside it.
  case flat
}
