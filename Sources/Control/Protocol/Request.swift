/// One request as written, not yet checked against its verb.
struct Request {
  let form: RequestForm
  /// A string or an integer, echoed once. Nil when absent or null; then the reply has none either.
  let id: JSON?
  let op: String
  /// Canonical: `args`. Flat: every member but `cmd`.
  let members: JSONObject
}

/// A line from a client.
enum RequestLine {
  case single(Request)
  case batch(id: JSON?, [JSON])

  init(_ line: [UInt8]) throws(RefusedRequest) {
    let json: JSON
    do throws(JSONParseError) {
      json = try JSON.parse(line)
    } catch {
      throw RefusedRequest(ControlError(.parse, "not JSON: \(error)"))
    }
    guard let members = json.objectValue else {
      throw RefusedRequest(ControlError(.parse, "a request is an object, not \(json.kindName)"))
    }
    guard let batch = members["batch"], members["cmd"] == nil, members["op"] == nil else {
      self = .single(try Request(members))
      return
    }
    let id = try Request.id(of: members)
    do throws(ControlError) {
      try Arguments(members).refuseUnknown(besides: ["id", "batch"])
      guard let requests = batch.arrayValue else { throw .wrongType(batch, wanted: "an array", at: "batch") }
      guard requests.count <= ControlProtocol.maximumBatch else {
        throw ControlError(.tooLarge, "a batch holds at most \(ControlProtocol.maximumBatch) requests", path: "batch")
      }
      self = .batch(id: id, requests)
    } catch {
      throw RefusedRequest(error, id: id)
    }
  }
}

extension Request {
  init(_ members: JSONObject) throws(RefusedRequest) {
    if members["cmd"] != nil, members["op"] == nil {
      form = .flat
      // `id` may be an argument in this form; which it is depends on the verb.
      id = members["id"].flatMap { Self.isValidID($0) ? $0 : nil }
      guard let op = members["cmd"]?.stringValue else {
        throw RefusedRequest(ControlError(.badArgs, "cmd: wanted a string", path: "cmd"), id: id, form: .flat)
      }
      self.op = op
      var rest = members
      rest["cmd"] = nil
      self.members = rest
      return
    }
    form = .canonical
    let id = try Self.id(of: members)
    self.id = id
    do throws(ControlError) {
      try Arguments(members).refuseUnknown(besides: ["id", "op", "args"])
      op = try Arguments(members).required("op", as: .string)
      self.members = try Arguments(members).optional("args", as: .object)?.object ?? [:]
    } catch {
      throw RefusedRequest(error, id: id)
    }
  }

  /// The arguments proper, once it is known what the verb takes.
  func arguments(for parameters: [VerbParameter]) throws(ControlError) -> JSONObject {
    guard form == .flat else { return members }
    var arguments = members
    if !parameters.contains(where: { $0.name == "id" }) { arguments["id"] = nil }
    if !parameters.contains(where: { $0.name == "args" }), let nested = arguments["args"] {
      guard let nested = nested.objectValue else { throw .wrongType(nested, wanted: "an object", at: "args") }
      arguments["args"] = nil
      for (name, value) in nested {
        guard arguments[name] == nil else { throw .badArgument("given twice", at: name) }
        arguments[name] = value
      }
    }
    return arguments
  }

  static func id(of members: JSONObject) throws(RefusedRequest) -> JSON? {
    guard let id = members["id"], !id.isNull else { return nil }
    guard isValidID(id) else {
      throw RefusedRequest(
        ControlError(.badArgs, "id: wanted an integer or a string of up to 256 bytes", path: "id"))
    }
    return id
  }

  private static func isValidID(_ id: JSON) -> Bool {
    switch id {
    case .int: true
    case .string(let text): text.utf8.count <= 256
    default: false
    }
  }
}

/// A line that names no request; the error is answered all the same.
struct RefusedRequest: Error {
  let error: ControlError
  let id: JSON?
  let form: RequestForm

  init(_ error: ControlError, id: JSON? = nil, form: RequestForm = .canonical) {
    self.error = error
    self.id = id
    self.form = form
  }

  var reply: JSON { Reply.failure(error, id: id, form: form) }
}

/// How answers are written.
enum Reply {
  static func success(_ result: JSON, id: JSON?, form: RequestForm) -> JSON {
    var members = JSONObject()
    if form == .canonical {
      if let id { members["id"] = id }
      members["ok"] = true
      members["result"] = result
      return .object(members)
    }
    members["ok"] = true
    if let id { members["id"] = id }
    switch result {
    case .object(let fields):
      for (name, value) in fields where name != "ok" { members[name] = value }
    case .null: break
    default: members["result"] = result
    }
    return .object(members)
  }

  static func failure(_ error: ControlError, id: JSON?, form: RequestForm) -> JSON {
    var members = JSONObject()
    if let id { members["id"] = id }
    members["ok"] = false
    members["error"] = error.json
    return .object(members)
  }

  static func batch(_ replies: [JSON], id: JSON?) -> JSON {
    var members = JSONObject()
    if let id { members["id"] = id }
    members["ok"] = true
    members["batch"] = .array(replies)
    return .object(members)
  }
}
