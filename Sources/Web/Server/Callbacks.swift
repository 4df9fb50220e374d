import CMicroHTTP
import CMicroHTTPSystem
import Control
internal import Glibc
import WebAccess

// What the library calls, on the server's thread. Each finds the loop that it is of, and does the least.

private func loop(_ raw: UnsafeMutableRawPointer?) -> WebLoop? {
  unsafe raw.map { unsafe Unmanaged<WebLoop>.fromOpaque($0).takeUnretainedValue() }
}

private func exchange(_ place: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> Exchange? {
  unsafe place?.pointee.map { unsafe Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue() }
}

/// Called when a head has come, then for each piece of the body, then when all has come, and again after each sleep.
func webHandleRequest(
  _ raw: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
  _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
  _ size: UnsafeMutablePointer<Int>?, _ place: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
  guard let loop = unsafe loop(raw), let connection = unsafe connection, let size = unsafe size,
    let place = unsafe place
  else { return .NO }
  guard let known = unsafe exchange(place) else {
    guard let url = unsafe url, let method = unsafe method else { return .NO }
    let head = unsafe loop.head(of: connection, String(cString: method), String(cString: url))
    let verdict = loop.gate.judge(head, tokens: loop.tokens(), at: calendarSeconds())
    let fresh = unsafe Exchange(connection, head, verdict, at: monotonicSeconds())
    unsafe place.pointee = unsafe Unmanaged.passRetained(fresh).toOpaque()
    if case .refuse(let answer) = verdict { return loop.send(answer, to: fresh) }
    return .YES
  }
  if unsafe size.pointee > 0 {
    let count = unsafe size.pointee
    unsafe size.pointee = 0
    guard let upload = unsafe upload else { return .NO }
    return unsafe loop.take(UnsafeRawBufferPointer(start: upload, count: count), of: known) ? .YES : .NO
  }
  return loop.proceed(known)
}

func webRequestCompleted(
  _ raw: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
  _ place: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_RequestTerminationCode
) {
  guard let loop = unsafe loop(raw), let connection = unsafe connection, let place = unsafe place else { return }
  let socket = unsafe cmicrohttp_socket(connection)
  if loop.visitors[socket] != nil { loop.visitors[socket] = .some(monotonicSeconds()) }
  guard let raw = unsafe place.pointee else { return }
  let exchange = unsafe Unmanaged<Exchange>.fromOpaque(raw).takeRetainedValue()
  loop.streams.removeAll { $0.exchange === exchange }
  unsafe place.pointee = nil
}

func webConnectionChanged(
  _ raw: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
  _ place: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_ConnectionNotificationCode
) {
  guard let loop = unsafe loop(raw), let connection = unsafe connection else { return }
  let socket = unsafe cmicrohttp_socket(connection)
  if code.rawValue == 0 {
    loop.visitors[socket] = .some(monotonicSeconds())
  } else {
    loop.visitors[socket] = nil
  }
}

/// More of a stream; zero puts the connection to sleep.
private func webReadStream(
  _ raw: UnsafeMutableRawPointer?, _ position: UInt64, _ buffer: UnsafeMutablePointer<CChar>?, _ room: Int
) -> Int {
  guard let raw = unsafe raw, let buffer = unsafe buffer else { return endOfStream }
  let reader = unsafe Unmanaged<StreamReader>.fromOpaque(raw).takeUnretainedValue()
  let count = unsafe reader.stream.take(UnsafeMutableRawBufferPointer(start: buffer, count: room))
  if count == 0 { reader.loop.sleep(reader.stream.exchange) }
  return count ?? endOfStream
}

private func webReleaseStream(_ raw: UnsafeMutableRawPointer?) {
  if let raw = unsafe raw { unsafe Unmanaged<StreamReader>.fromOpaque(raw).release() }
}

private let endOfStream = -1

private final class StreamReader {
  let stream: EventStream
  unowned let loop: WebLoop

  init(_ stream: EventStream, _ loop: WebLoop) { (self.stream, self.loop) = (stream, loop) }
}

extension WebLoop {
  func socket(of exchange: Exchange) -> Int32 { unsafe cmicrohttp_socket(exchange.connection) }

  fileprivate func head(of connection: OpaquePointer, _ method: String, _ path: String) -> RequestHead {
    var head = RequestHead(method, path)
    unsafe withUnsafeMutablePointer(to: &head) { place in
      unsafe _ = MHD_get_connection_values_n(connection, .HEADER_KIND, webTakeHeader, place)
      unsafe _ = MHD_get_connection_values_n(connection, .GET_ARGUMENT_KIND, webTakeArgument, place)
    }
    return head
  }

  /// False where there is too much to bear.
  fileprivate func take(_ bytes: UnsafeRawBufferPointer, of exchange: Exchange) -> Bool {
    guard exchange.excess == 0, exchange.body.count + bytes.count <= terms.limits.bodyBytes else {
      exchange.body = []
      exchange.excess += bytes.count
      return exchange.excess < 32 * terms.limits.bodyBytes
    }
    unsafe exchange.body.append(contentsOf: bytes)
    return true
  }

  fileprivate func proceed(_ exchange: Exchange) -> MHD_Result {
    // The whole request is here: from now on the answer is ours to give.
    visitors[socket(of: exchange)] = .some(nil)
    if case .receiving = exchange.stage {
      if exchange.excess > 0 {
        exchange.stage = .ready(
          .failure(ControlError(.tooLarge, "a body holds at most \(terms.limits.bodyBytes) bytes")))
      } else {
        begin(exchange)
      }
    }
    switch exchange.stage {
    case .ready(let answer): return send(answer, to: exchange)
    case .streaming(let stream): return send(stream, to: exchange)
    case .receiving, .waiting, .answered: return .YES
    }
  }

  fileprivate func send(_ answer: Answer, to exchange: Exchange) -> MHD_Result {
    let response = unsafe answer.body.withUnsafeBytes { bytes in
      unsafe MHD_create_response_from_buffer(
        bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
    }
    return unsafe send(response, answer, to: exchange)
  }

  private func send(_ stream: EventStream, to exchange: Exchange) -> MHD_Result {
    let reader = unsafe Unmanaged.passRetained(StreamReader(stream, self)).toOpaque()
    let response = unsafe MHD_create_response_from_callback(
      UInt64.max, 16_384, webReadStream, reader, webReleaseStream)
    let answer = Answer(
      200, type: "text/event-stream; charset=utf-8",
      headers: [("X-Accel-Buffering", "no")])
    return unsafe send(response, answer, to: exchange)
  }

  private func send(_ response: OpaquePointer?, _ answer: Answer, to exchange: Exchange) -> MHD_Result {
    guard let response = unsafe response else { return .NO }
    defer { unsafe MHD_destroy_response(response) }
    exchange.stage = .answered
    counts.answers[answer.status, default: 0] += 1
    for (name, value) in [("Content-Type", answer.type)] + SafeHeaders.all + answer.headers {
      unsafe _ = MHD_add_response_header(response, name, value)
    }
    return unsafe MHD_queue_response(exchange.connection, UInt32(answer.status), response)
  }
}

private func webTakeHeader(
  _ raw: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ nameCount: Int,
  _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
  guard let raw = unsafe raw else { return .NO }
  let name = unsafe text(name, nameCount).lowercased()
  unsafe raw.assumingMemoryBound(to: RequestHead.self).pointee.headers.append((name, text(value, valueCount)))
  return .YES
}

private func webTakeArgument(
  _ raw: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ nameCount: Int,
  _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
  guard let raw = unsafe raw else { return .NO }
  unsafe raw.assumingMemoryBound(to: RequestHead.self).pointee.query.append(
    (text(name, nameCount), text(value, valueCount)))
  return .YES
}

private func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
  guard let start = unsafe start else { return "" }
  return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
}
