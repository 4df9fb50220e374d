import AudioCore
import AudioIO
import Control
import Glibc

/// Plays one sine per channel into a sink, each of another pitch, so that a swapped channel is heard at once; or goes from
/// loudspeaker to loudspeaker.
enum TestToneCommand: Command {
  static let name = "test-tone"
  static let summary = "play one sine per channel into a sink"
  static let usage = """
    usage: streamctl test-tone [--channels 1|2|6|8] [--level DBFS] [--frequency HZ] [--seconds N] [--sink NAME]
                               [--remote NAME] [--backend pipewire|alsa[:PCM]|jack[:SERVER]]
                               [--speakers | --speaker FL|FR|FC|LFE|RL|RR|SL|SR]
           streamctl test-tone --channel NUMBER [--seconds N] [--level DBFS] [--frequency HZ]
    Without --frequency each channel has its own pitch. Needs PipeWire, a PCM of ALSA or a JACK server, not the daemon.
    In a JACK server --sink is a client's name; without it the physical ports are taken.
    --speakers goes round: the first loudspeaker beeps once, the second twice and so on, and its name is printed meanwhile.
    --channel plays 1 kHz to the device of one of the daemon's duplex channels; the daemon says which that is.
    """
  static let values: Set<String> = [
    "--channels", "--level", "--frequency", "--seconds", "--sink", "--remote", "--backend", "--speaker", "--channel",
  ]
  static let flags: Set<String> = ["--speakers"]

  /// One pitch per channel: no two related by an octave, so that harmonics of one are not another.
  static let pitches: [Double] = [997, 1499, 701, 211, 2003, 2503, 1201, 1709]

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 0)
    let channel = try options.integer("--channel", in: 1...999)
    if channel != nil, let other = ["--sink", "--backend", "--speakers", "--speaker"].first(where: options.says) {
      throw Failure(.usage, "usage", "--channel and \(other): one of them")
    }
    let channels = try options.integer("--channels", in: 1...8) ?? 2
    guard let layout = ChannelLayout(channels: channels) else {
      throw Failure(.usage, "usage", "--channels \(channels): 1, 2, 6 or 8")
    }
    let level = Decibels(try options.number("--level", in: -120...0) ?? -20)
    let pitch = try options.number("--frequency", in: 1...23_000)
    let seconds = try options.number("--seconds", in: 0.1...86_400)
    let speaker = try options.value("--speaker").map { try place(of: $0, in: layout) }
    let (backend, target) = try channel.map { try ToneTarget.channel($0, options) } ?? SoundSystem.player(options)
    Pause.takeSignals()
    let walk = options.has("--speakers") ? SpeakerWalk(layout, amplitude: level.amplitude, rate: .codec) : nil
    let client: RenderClient =
      walk
      ?? ToneClient(
        frequencies: (0..<channels).map { pitch ?? (channel == nil ? pitches[$0] : 1000) },
        amplitudes: (0..<channels).map { speaker == nil || speaker == $0 ? level.amplitude : 0 }, rate: .codec)
    let request = StreamRequest(
      role: .playback(to: target), name: "streamctl.test-tone", description: "Test tone", layout: layout)
    let asJSON = options.asJSON
    let stream = try backend.open(request, client: client) { event in
      guard case .state(let state) = event else { return }
      report(state, asJSON: asJSON)
    }
    try stream.start()
    let end = seconds.map { renderNow() + HostDuration(nanoseconds: Int64($0 * 1e9)) }
    if let walk { say(walk, until: end, asJSON: asJSON) } else { Pause.wait(until: end) }
    stream.stop()
    return .ok
  }

  private static func place(of speaker: String, in layout: ChannelLayout) throws -> Int {
    guard let place = layout.names.firstIndex(of: speaker.uppercased()) else {
      throw Failure(.usage, "usage", "--speaker \(speaker): one of \(layout.names.joined(separator: ", "))")
    }
    return place
  }

  /// Prints each loudspeaker while it sounds; without an end, one round.
  private static func say(_ walk: SpeakerWalk, until end: HostTime?, asJSON: Bool) {
    var said = -1
    while end.map({ renderNow() < $0 }) ?? (walk.turn < walk.layout.count) {
      if walk.turn != said, end != nil || walk.turn < walk.layout.count {
        said = walk.turn
        let place = said % walk.layout.count
        let title = SpeakerWalk.title(place, in: walk.layout)
        print(
          asJSON
            ? JSON.object(["speaker": .string(walk.layout.labels[place].name), "beeps": JSON(place + 1)]).text : title)
        fflush(nil)
      }
      let next = renderNow() + .milliseconds(20)
      if Pause.wait(until: end.map { min($0, next) } ?? next) { return }
    }
  }

  private static func report(_ state: StreamState, asJSON: Bool) {
    let (word, detail): (String, String) =
      switch state {
      case .stopped: ("stopped", "")
      case .running(let device): ("playing", device)
      case .waiting(let error): ("waiting", error.description)
      }
    if asJSON {
      print(JSON.object(["state": .string(word), "detail": .string(detail)]).text)
      fflush(nil)
    } else {
      Console.note("test-tone: \(word) \(detail)")
    }
  }
}

/// Sines by rotation: two multiplications a sample instead of a call of the mathematics library.
final class ToneClient: RenderClient, @unchecked Sendable {
  private struct Phasor {
    var real: Double
    var imaginary: Double
    let turnReal: Double
    let turnImaginary: Double
  }

  private let phasors: UnsafeMutableBufferPointer<Phasor>

  init(frequencies: [Double], amplitudes: [Double], rate: SampleRate) {
    phasors = .allocate(capacity: frequencies.count)
    for (index, frequency) in frequencies.enumerated() {
      let angle = 2 * Double.pi * frequency / Double(rate.hertz)
      phasors.initializeElement(
        at: index, to: Phasor(real: amplitudes[index], imaginary: 0, turnReal: cos(angle), turnImaginary: sin(angle)))
    }
  }

  deinit { phasors.deallocate() }

  /// Thread: render.
  @_noLocks
  override func render(_ cycle: Cycle) {
    let phasors = self.phasors
    let count = phasors.count < cycle.output.channelCount ? phasors.count : cycle.output.channelCount
    var channel = 0
    while channel < count {
      var phasor = phasors[channel]
      let out = cycle.output.channel(channel)
      for frame in 0..<cycle.frames {
        out[frame] = Float(phasor.imaginary)
        let real = phasor.real * phasor.turnReal - phasor.imaginary * phasor.turnImaginary
        phasor.imaginary = phasor.real * phasor.turnImaginary + phasor.imaginary * phasor.turnReal
        phasor.real = real
      }
      phasors[channel] = phasor
      channel += 1
    }
  }
}
