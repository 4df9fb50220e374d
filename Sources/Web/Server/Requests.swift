internal import CLinux
import Control
internal import Glibc
import WebAccess

/// From a request that was let in to its answer.
extension WebLoop {
  /// Called once, when the whole request has come.
  func begin(_ exchange: Exchange) {
    guard case .pass(let route, let token) = exchange.verdict else { return }
    exchange.since = monotonicSeconds()
    do throws(ControlError) {
      switch route {
      case .asset(let asset): exchange.stage = .ready(Answer(200, type: asset.type, body: asset.bytes))
      case .alive: exchange.stage = .ready(Answer(200, type: "text/plain; charset=utf-8", body: Array("alive\n".utf8)))
      case .openAPI: exchange.stage = .ready(.json(OpenAPI.document(version: terms.version)))
      case .events: try stream(exchange, token)
      case .ready:
        try ask(exchange, [("status", [:])]) { Readiness.answer(to: $0["status"]) }
      case .metrics:
        let own = ownFigures()
        try ask(exchange, MetricsPage.questions.map { ($0, [:]) }) { MetricsPage.answer(from: $0, own: own) }
      case .verb(let name, let wrapping):
        let arguments = try arguments(of: exchange, for: name, wrapping)
        try ask(exchange, [(name, arguments)]) { replies in
          switch replies[name] {
          // What has nothing to say says so as an object, as everything else does.
          case .success(let result): .json(result.isNull ? .object([:]) : result)
          case .failure(let error): .failure(error)
          case nil: .failure(ControlError(.internal, "no reply"))
          }
        }
      }
    } catch {
      exchange.stage = .ready(.failure(error))
    }
  }

  private func arguments(
    of exchange: Exchange, for name: String, _ wrapping: String?
  ) throws(ControlError) -> JSONObject {
    guard let verb = VerbCatalog.linked[name] else { throw ControlError(.unknownOp, "no operation is named \(name)") }
    var arguments: JSONObject
    if exchange.head.isReading {
      arguments = try CallArguments.ofQuery(exchange.head.query, for: verb)
    } else {
      let query = exchange.head.query
      if let wrapping {
        // The body is one argument, so the others have no other place.
        arguments = try CallArguments.ofQuery(query.filter { $0.name != wrapping }, for: verb)
        arguments.merge(try CallArguments.wrapping(exchange.body, as: wrapping))
      } else {
        guard query.isEmpty else {
          throw ControlError(.badArgs, "arguments of a change are in its body", path: query[0].name)
        }
        arguments = try CallArguments.ofBody(exchange.body, for: verb)
      }
      if let tag = exchange.head.only("if-match") {
        guard verb.parameters.contains(where: { $0.name == "if_match" }) else {
          throw ControlError(.badArgs, "\(name) takes no If-Match", path: "If-Match")
        }
        arguments["if_match"] = .string(tag.filter { $0 != "\"" })
      }
    }
    return arguments
  }

  // MARK: Asking the daemon

  private func ask(
    _ exchange: Exchange, _ questions: [(op: String, arguments: JSONObject)],
    _ conclude: @escaping ([String: Result<JSON, ControlError>]) -> Answer
  ) throws(ControlError) {
    guard pending.count < terms.limits.pending else {
      throw ControlError(.busy, "\(pending.count) requests wait already", retry: 1000)
    }
    let link = try connected()
    exchange.conclude = conclude
    for question in questions {
      guard let id = link.request(question.op, question.arguments) else {
        forget(exchange)
        throw ControlError(.busy, "the daemon is busy", retry: 1000)
      }
      exchange.asked.insert(id)
      pending[id] = (exchange, question.op)
    }
    exchange.stage = .waiting
    sleep(exchange)
  }

  private func connected() throws(ControlError) -> ControlLink {
    if let link, !link.isOver { return link }
    let fresh = try dial()
    link = fresh
    return fresh
  }

  private func dial() throws(ControlError) -> ControlLink {
    do throws(SystemError) { return try ControlLink(path: terms.controlPath) } catch {
      throw ControlError(.unavailable, "the control socket lets nobody in: \(error)", retry: 1000)
    }
  }

  func hearDaemon(at now: Int) {
    guard let link else { return }
    link.flush()
    for line in link.receive() {
      switch line {
      case .reply(let id, let result):
        guard let (exchange, op) = pending.removeValue(forKey: id) else { continue }
        exchange.asked.remove(id)
        exchange.replies[op] = result
        if exchange.asked.isEmpty, let conclude = exchange.conclude { answer(exchange, conclude(exchange.replies)) }
      case .event, .refused: continue
      }
    }
    guard link.isOver else { return }
    self.link = nil
    for exchange in pending.values.map(\.exchange) {
      answer(exchange, .failure(ControlError(.unavailable, "the daemon has gone", retry: 1000)))
    }
  }

  func answer(_ exchange: Exchange, _ answer: Answer) {
    guard case .waiting = exchange.stage else { return }
    forget(exchange)
    exchange.stage = .ready(tagged(answer, for: exchange))
    resume(exchange)
  }

  private func forget(_ exchange: Exchange) {
    for id in exchange.asked { pending[id] = nil }
    exchange.asked = []
    exchange.conclude = nil
  }

  /// What was read has a tag, and who has it already need not have it again.
  private func tagged(_ answer: Answer, for exchange: Exchange) -> Answer {
    guard exchange.head.isReading, answer.status == 200, answer.type == "application/json" else { return answer }
    let tag = "\"" + EntityTag.of(answer.body.dropLast()) + "\""
    var answer = answer
    if let known = exchange.head.only("if-none-match"), known == "*" || known.contains(tag) {
      answer = Answer(304, type: answer.type)
    }
    answer.headers.append(("ETag", tag))
    return answer
  }

  private func ownFigures() -> WebFigures {
    WebFigures(
      answers: counts.answers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, connections: visitors.count,
      streams: streams.count, lateRequests: counts.lateRequests)
  }

  // MARK: Streams

  private func stream(_ exchange: Exchange, _ token: Token?) throws(ControlError) {
    guard streams.count < terms.limits.streams else {
      throw ControlError(.busy, "\(streams.count) event streams are open", retry: 5000)
    }
    guard let verb = VerbCatalog.linked["subscribe"] else { throw ControlError(.internal, "no events") }
    let arguments = try CallArguments.ofQuery(exchange.head.query, for: verb)
    let topics = (arguments["topics"] ?? arguments["events"])?.arrayValue?.compactMap(\.stringValue) ?? []
    let stream = EventStream(
      try dial(), arguments, topics: topics, token: token, socket: socket(of: exchange), exchange: exchange,
      at: monotonicSeconds())
    streams.append(stream)
    exchange.stage = .waiting
    sleep(exchange)
  }

  func hearStreams(at now: Int) {
    for stream in streams {
      stream.link.flush()
      if stream.wantsMore, let error = stream.receive(at: now) {
        streams.removeAll { $0 === stream }
        answer(stream.exchange, .failure(error))
        continue
      }
      let exchange = stream.exchange
      if case .waiting = exchange.stage, stream.isSubscribed || stream.isEnding { exchange.stage = .streaming(stream) }
      if hasGone(stream.socket) { stream.end("gone", at: now) }
      if case .streaming = exchange.stage, stream.waitingBytes > 0 || stream.isEnding { resume(exchange) }
    }
  }

  /// The reader has closed its end: what it would be told nobody hears.
  private func hasGone(_ socket: Int32) -> Bool {
    var entry = pollfd(fd: socket, events: Int16(EPOLLRDHUP.rawValue), revents: 0)
    return unsafe poll(&entry, 1, 0) > 0
  }
}
