public import Control

/// The interface said by itself, as OpenAPI 3: one path for each operation, made from the table that checks its arguments.
public enum OpenAPI {
  public static func document(_ catalog: VerbCatalog = .linked, version: String) -> JSON {
    var paths = JSONObject()
    for verb in catalog.verbs where !verb.isBound { paths[RouteTable.prefix + verb.name] = .object(path(of: verb)) }
    for short in RouteTable.shortcuts {
      guard let verb = catalog[short.verb] else { continue }
      var item = paths[short.path]?.objectValue ?? [:]
      let method = short.method.lowercased()
      item[method] = .object(
        operation(
          verb, named: "short_" + method + short.path, reading: short.method == "GET", wrapping: short.wrapping))
      paths[short.path] = .object(item)
    }
    for (place, item) in own { paths[place] = item }
    return [
      "openapi": "3.0.3",
      "info": [
        "title": "streamd", "version": .string(version),
        "description":
          "Operations of the control socket. Every answer that is no success has an error with a stable code.",
      ],
      "security": [["bearer": []]], "paths": .object(paths),
      "components": [
        "securitySchemes": ["bearer": ["type": "http", "scheme": "bearer"]], "schemas": ["Error": errorSchema],
        "responses": [
          "Error": [
            "description": "It was not carried out.",
            "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]],
          ]
        ],
      ],
    ]
  }

  private static func path(of verb: VerbDescriptor) -> JSONObject {
    var item: JSONObject = ["post": .object(operation(verb, named: "post_\(verb.name)", reading: false))]
    if verb.scope == .read { item["get"] = .object(operation(verb, named: "get_\(verb.name)", reading: true)) }
    return item
  }

  private static func operation(
    _ verb: VerbDescriptor, named name: String, reading: Bool, wrapping: String? = nil
  ) -> JSONObject {
    var operation: JSONObject = [
      "operationId": .string(name.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()),
      "summary": .string(verb.summary), "tags": [.string(verb.scope.rawValue)],
      "x-scope": .string(verb.scope.rawValue),
    ]
    let parameters = verb.parameters.filter { $0.name != "while_connected" && $0.name != wrapping }
    if reading || wrapping != nil, !parameters.isEmpty {
      operation["parameters"] = .array(
        parameters.map { parameter in
          [
            "name": .string(parameter.name), "in": "query", "required": .bool(parameter.isRequired),
            "description": .string(parameter.doc), "style": "form", "explode": false,
            "schema": .object(schema(of: parameter)),
          ]
        })
    }
    if !reading {
      let schema: JSONObject = wrapping == nil ? body(of: verb, parameters) : ["type": "object"]
      operation["requestBody"] = [
        "required": .bool(wrapping != nil || parameters.contains { $0.isRequired }),
        "content": ["application/json": ["schema": .object(schema)]],
      ]
    }
    operation["responses"] = [
      "200": [
        "description": .string(verb.result), "content": ["application/json": ["schema": ["type": "object"]]],
      ],
      "default": ["$ref": "#/components/responses/Error"],
    ]
    return operation
  }

  private static func body(of verb: VerbDescriptor, _ parameters: [VerbParameter]) -> JSONObject {
    var properties = JSONObject()
    for parameter in parameters { properties[parameter.name] = .object(schema(of: parameter)) }
    var schema: JSONObject = ["type": "object", "properties": .object(properties), "additionalProperties": false]
    let required = parameters.filter(\.isRequired).map(\.name)
    if !required.isEmpty { schema["required"] = JSON(required) }
    return schema
  }

  private static func schema(of parameter: VerbParameter) -> JSONObject {
    var schema = parameter.kind.schema
    schema["description"] = .string(parameter.unit.map { "\(parameter.doc) Unit: \($0)." } ?? parameter.doc)
    if let value = parameter.defaultValue { schema["default"] = value }
    // Null is the same as nothing, but for what may be null itself.
    if !parameter.isRequired, schema["type"] != nil { schema["nullable"] = true }
    return schema
  }

  private static let errorSchema: JSON = [
    "type": "object", "required": ["error"],
    "properties": [
      "error": [
        "type": "object", "required": ["code", "message"],
        "properties": [
          "code": ["type": "string", "enum": JSON(ControlError.Code.allCases.map(\.rawValue))],
          "message": ["type": "string"], "path": ["type": "string"], "hint": ["type": "string"],
          "detail": ["type": "string"],
          "retry": ["type": "integer", "description": "Milliseconds after which it may succeed."],
        ],
      ]
    ],
  ]

  /// What is no operation.
  private static let own: [(String, JSON)] = [
    ("/healthz", plain("Whether anybody is there.", "text/plain", isOpen: true)),
    ("/readyz", plain("Whether sound goes where it should; 503 with the reasons if not.", "application/json")),
    ("/metrics", plain("Figures for Prometheus.", "text/plain")),
    (RouteTable.prefix + "openapi.json", plain("This document.", "application/json")),
    (
      RouteTable.prefix + "events",
      [
        "get": [
          "operationId": "events", "summary": "What happens, as server-sent events.",
          "parameters": [
            [
              "name": "topics", "in": "query", "required": true, "style": "form", "explode": false,
              "schema": ["type": "array", "items": ["type": "string"], "maxItems": 32],
            ],
            ["name": "rate", "in": "query", "schema": ["type": "number", "minimum": 1, "maximum": 60]],
            ["name": "max_hz", "in": "query", "schema": ["type": "number", "minimum": 0.01, "maximum": 1000]],
          ],
          "responses": [
            "200": [
              "description": "Events without end.", "content": ["text/event-stream": ["schema": ["type": "string"]]],
            ],
            "default": ["$ref": "#/components/responses/Error"],
          ],
        ]
      ]
    ),
  ]

  private static func plain(_ summary: String, _ type: String, isOpen: Bool = false) -> JSON {
    var operation: JSONObject = [
      "operationId": .string(summary.filter(\.isLetter).lowercased()), "summary": .string(summary),
      "responses": [
        "200": [
          "description": .string(summary),
          "content": .object([type: ["schema": ["type": type == "text/plain" ? "string" : "object"]]]),
        ],
        "default": ["$ref": "#/components/responses/Error"],
      ],
    ]
    if isOpen { operation["security"] = .array([]) }
    return ["get": .object(operation)]
  }
}
