import AppRings
import Control
import GraphFiles
import Mixer

/// A node for the graph.
enum CreateNodeVerb: Verb {
  typealias Context = Daemon

  static let name = "create_node"
  static let scope = VerbScope.admin
  static let summary = "Makes a node; it is heard once it is connected."
  static let parameters: [VerbParameter] = [
    .required("type", .string, alias: "kind", "As streamctl graph nodes lists them."),
    .optional("name", .string, "Its own within the graph; else kind and number."),
    .optional(
      "args", .any, default: [:],
      "Settings and parameters by their names. An app_source or app_sink without ring opens one as ring.open does, with "
        + "frames, channels, rate, low, high, and memfd if its memory comes with this line."),
  ]
  static let result = "id, name; where a ring was opened also ring and descriptors[], as ring.open has them"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let kind = try arguments.required("type", as: .string)
    let name = try arguments.optional("name", as: .string)
    guard let given = (arguments.object["args"] ?? [:]).objectValue else {
      throw ControlError(.badArgs, "args: wanted an object", path: "args")
    }
    guard kind == "app_source" || kind == "app_sink", given["ring"] == nil else {
      return .object(try make(kind, name, given, client, daemon))
    }
    // Memory that was brought may be told by its number on the other side, which says nothing here.
    var wishes = given
    wishes["direction"] = kind == "app_source" ? "source" : "sink"
    wishes["memfd"] = .bool(given["memfd"].map { $0 != false } ?? false)
    let checked = try RingRequest.parameters.validated(wishes, at: "args")
    let (ring, descriptors) = try daemon.rings.open(try RingRequest(Arguments(checked)), for: client)
    do throws(ControlError) {
      let settings: JSONObject = ["ring": .string(ring.identifier), "channels": checked["channels"] ?? 2]
      var reply = try make(kind, name, settings, client, daemon)
      client.pass(DescriptorParcel(owning: descriptors.all))
      reply["ring"] = .string(ring.identifier)
      reply["descriptors"] = JSON((descriptors.memory == nil ? [] : ["memory"]) + ["space", "data"])
      return .object(reply)
    } catch {
      daemon.rings.close(ring)
      _ = DescriptorParcel(owning: descriptors.all)
      throw error
    }
  }

  @ControlActor
  private static func make(
    _ kind: String, _ name: String?, _ given: JSONObject, _ client: ClientSession, _ daemon: Daemon
  ) throws(ControlError) -> JSONObject {
    let id = try daemon.graph.edit(for: client) { (draft) throws(GraphDocumentError) in
      try draft.create(kind: kind, name: name, arguments: given)
    }
    return ["id": JSON(id.value), "name": .string(daemon.graph.graph.name(of: id))]
  }
}

@section("streamd_verbs") @used
let createNodeRecord: VerbRecord = (1, { exportVerb(CreateNodeVerb.self) })
