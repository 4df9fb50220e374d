import AudioCore
import AudioIO
import Control
import OpusCodec
import Wire

/// Sends a voice to a host's microphone until it ends, the time is over or the user has had enough.
enum MicSend {
  static func run(_ options: Options) throws -> ExitStatus {
    let plan = try MicSendPlan(options)
    let prepared = try prepared(plan)
    let own =
      plan.target == nil ? try OwnMicrophone(plan, name: options.value("--name"), client: options.connect()) : nil
    defer { own?.close() }
    let target = plan.target ?? own!.target
    let path = try target.path()
    // Before any thread starts, so that Ctrl-C ends the wait below and the microphone is closed properly.
    Pause.takeSignals()
    let source = prepared == nil ? try recording(plan, remote: options.value("--remote") ?? "") : nil
    defer { source?.stop() }
    let sound: any MicSound = prepared ?? source!
    let talk = try MicTalk(
      plan.talk, sound: sound, envelope: try target.envelope(plan.padding), start: renderNow())
    if !options.asJSON { Console.note("talking to \(target.text), \(plan.way.rawValue); Ctrl-C ends") }
    let isGone = try converse(talk, over: path, source, for: plan.seconds)
    let summary = MicSendSummary(counts: talk.counts, refused: path.lost, host: own?.facts())
    print(options.asJSON ? summary.json : summary.text)
    if isGone { throw Failure(.refused, "gone", "the host has ended the connection") }
    if let source, talk.counts.frames == 0 { throw silence(source) }
    return .ok
  }

  /// Nil for a microphone, which is recorded once there is somebody to hear it.
  private static func prepared(_ plan: MicSendPlan) throws -> (any MicSound)? {
    let channels = plan.talk.codec.layout.count
    switch plan.voice {
    case .source: return nil
    case .tone(let frequency, let level): return ToneSound(frequency: frequency, level: level, channels: channels)
    case .file(let path):
      do throws(WAVReadError) {
        return FileSound(try WAVReader.read(path).folded(to: channels).resampled(to: .codec).samples)
      } catch {
        var status = ExitStatus.usage
        if case .cannotOpen = error { status = .notFound }
        throw Failure(status, error.code, "\(path): \(error.message)")
      }
    }
  }

  private static func recording(_ plan: MicSendPlan, remote: String) throws -> SourceSound? {
    guard case .source(let name) = plan.voice else { return nil }
    do throws(BackendError) {
      return try SourceSound(name, channels: plan.talk.codec.layout.count, remote: remote)
    } catch {
      throw Failure(.refused, error.code.rawValue, error.description)
    }
  }

  /// True when the other end has gone.
  private static func converse(
    _ talk: MicTalk, over path: any MicPath, _ source: SourceSound?, for seconds: Double?
  ) throws -> Bool {
    var isGone = false
    let send = { (datagram: [UInt8]) in if !path.send(datagram) { isGone = true } }
    // A microphone that gives nothing must not keep us.
    let end = source == nil ? nil : seconds.map { renderNow() + HostDuration(nanoseconds: Int64($0 * 1e9)) }
    var shown: StreamState?
    while !isGone {
      let ticket = source?.signal.ticket ?? 0
      guard let due = try talk.step(at: renderNow(), send: send) else { break }
      if let source {
        note(source.streamState, &shown)
        source.signal.wait(since: ticket, until: due)
      }
      guard Pause.wait(until: source == nil ? due : renderNow()) || end.map({ renderNow() >= $0 }) ?? false else {
        continue
      }
      try talk.hangUp(at: renderNow(), send: send)
    }
    return isGone
  }

  /// Why nothing is heard, when that changes.
  private static func note(_ state: StreamState, _ shown: inout StreamState?) {
    guard state != shown else { return }
    shown = state
    switch state {
    case .running(let device): Console.note("recording \"\(device)\"")
    case .waiting(let error) where error.code != .starting: Console.note("not recording: \(error)")
    default: break
    }
  }

  private static func silence(_ source: SourceSound) -> Failure {
    guard case .waiting(let error) = source.streamState else {
      return Failure(.timeout, "no_sound", "the microphone gave no sound")
    }
    return Failure(.notFound, error.code.rawValue, error.description)
  }
}
