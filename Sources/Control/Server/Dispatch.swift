import Wording

/// A reply and what goes out with it.
struct Answer {
  var json: JSON
  var parcels: [DescriptorParcel] = []
}

/// From requests to verbs and back.
extension ClientSession {
  func answer(_ line: RequestLine) {
    switch line {
    case .single(let request):
      perform(request) { [self] in send($0.json, with: $0.parcels) }
    case .batch(let id, let elements): answer(batch: elements, id: id)
    }
  }

  /// Checks the request, runs its verb and hands the reply on: at once, or later for a deferred verb.
  private func perform(_ request: Request, then reply: @escaping @ControlActor (Answer) -> Void) {
    do throws(ControlError) {
      let (verb, arguments) = try prepare(request)
      switch verb.action {
      case .immediate(let run):
        let result = try run(arguments, self, server.context)
        reply(success(request, result))
      case .deferred:
        try start { [self] in reply(await outcome(of: request)) }
      }
    } catch {
      reply(failure(request, error))
    }
  }

  private func prepare(_ request: Request) throws(ControlError) -> (VerbDescriptor, Arguments) {
    guard let verb = server.catalog[request.op] else {
      throw ControlError(
        .unknownOp, "no operation is named \(request.op.prefix(64))", path: request.form == .flat ? "cmd" : "op",
        hint: nearestName(to: request.op, among: server.catalog.names))
    }
    let members = try verb.parameters.validated(try request.arguments(for: verb.parameters))
    return (verb, Arguments(members, form: request.form))
  }

  private func success(_ request: Request, _ result: JSON) -> Answer {
    defer { passing = [] }
    return Answer(json: Reply.success(result, id: request.id, form: request.form), parcels: passing)
  }

  private func failure(_ request: Request, _ error: ControlError) -> Answer {
    passing = []
    return Answer(json: Reply.failure(error, id: request.id, form: request.form))
  }

  /// The reply of any verb, waiting for it if need be.
  private func outcome(of request: Request) async -> Answer {
    do throws(ControlError) {
      let (verb, arguments) = try prepare(request)
      switch verb.action {
      case .immediate(let run): return success(request, try run(arguments, self, server.context))
      case .deferred(let run): return success(request, try await run(arguments, self, server.context))
      }
    } catch {
      return failure(request, error)
    }
  }

  private func start(_ work: @escaping @ControlActor () async -> Void) throws(ControlError) {
    guard tasks.count < server.limits.deferredRequests else {
      throw ControlError(.busy, "\(tasks.count) requests of this client are under way", retry: 100)
    }
    lastTask += 1
    let number = lastTask
    tasks[number] = Task { @ControlActor in
      await work()
      self.taskEnded(number)
    }
  }

  /// Runs the requests in order. Not atomic: one that fails does not undo or stop the others.
  private func answer(batch elements: [JSON], id: JSON?) {
    let requests = elements.map { element in
      Result { () throws(RefusedRequest) -> Request in
        guard let members = element.objectValue, members["batch"] == nil else {
          throw RefusedRequest(ControlError(.badArgs, "a batch holds requests", path: "batch"))
        }
        return try Request(members)
      }
    }
    let waits = requests.contains { request in
      if case .success(let request) = request { server.catalog[request.op]?.isDeferred == true } else { false }
    }
    guard waits else {
      var replies: [Answer] = []
      for request in requests {
        switch request {
        case .success(let request): perform(request) { replies.append($0) }
        case .failure(let refused): replies.append(Answer(json: refused.reply))
        }
      }
      return send(replies, id: id)
    }
    do throws(ControlError) {
      try start { [self] in
        var replies: [Answer] = []
        for request in requests {
          switch request {
          case .success(let request): replies.append(await outcome(of: request))
          case .failure(let refused): replies.append(Answer(json: refused.reply))
          }
        }
        send(replies, id: id)
      }
    } catch {
      send(Reply.failure(error, id: id, form: .canonical))
    }
  }

  /// A batch's replies are one line, with the descriptors of all in their order.
  private func send(_ replies: [Answer], id: JSON?) {
    send(Reply.batch(replies.map(\.json), id: id), with: replies.flatMap(\.parcels))
  }
}
