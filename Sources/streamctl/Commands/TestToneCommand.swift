import AudioCore
import AudioIO
import Control
import Glibc

/// Plays one sine per channel into a sink, each of another pitch, so that a swapped channel is heard at once.
enum TestToneCommand: Command {
  static let name = "test-tone"
  static let summary = "play one sine per channel into a sink"
  static let usage = """
    usage: streamctl test-tone [--channels 1|2|6|8] [--level DBFS] [--frequency HZ] [--seconds N] [--sink NAME]
                               [--remote NAME] [--backend pipewire|alsa[:PCM]|jack[:SERVER]]
    Without --frequency each channel has its own pitch. Needs PipeWire, a PCM of ALSA or a JACK server, not the daemon.
    In a JACK server --sink is a client's name; without it the physical ports are taken.
    """
  static let values: Set<String> = [
    "--channels", "--level", "--frequency", "--seconds", "--sink", "--remote", "--backend",
  ]

  /// One pitch per channel: no two related by an octave, so that harmonics of one are not another.
  static let pitches: [Double] = [997, 1499, 701, 211, 2003, 2503, 1201, 1709]

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 0)
    let channels = try options.integer("--channels", in: 1...8) ?? 2
    guard let layout = ChannelLayout(channels: channels) else {
      throw Failure(.usage, "usage", "--channels \(channels): 1, 2, 6 or 8")
    }
    let level = Decibels(try options.number("--level", in: -120...0) ?? -20)
    let pitch = try options.number("--frequency", in: 1...23_000)
    let seconds = try options.number("--seconds", in: 0.1...86_400)
    Pause.takeSignals()
    let tones = ToneClient(
      frequencies: (0..<channels).map { pitch ?? pitches[$0] }, amplitude: level.amplitude, rate: .codec)
    let (backend, target) = try SoundSystem.player(options)
    let request = StreamRequest(
      role: .playback(to: target), name: "streamctl.test-tone", description: "Test tone", layout: layout)
    let asJSON = options.asJSON
    let stream = try backend.open(request, client: tones) { event in
      guard case .state(let state) = event else { return }
      report(state, asJSON: asJSON)
    }
    try stream.start()
    Pause.wait(until: seconds.map { renderNow() + HostDuration(nanoseconds: Int64($0 * 1e9)) })
    stream.stop()
    return .ok
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

  init(frequencies: [Double], amplitude: Double, rate: SampleRate) {
    phasors = .allocate(capacity: frequencies.count)
    for (index, frequency) in frequencies.enumerated() {
      let angle = 2 * Double.pi * frequency / Double(rate.hertz)
      phasors.initializeElement(
        at: index, to: Phasor(real: amplitude, imaginary: 0, turnReal: cos(angle), turnImaginary: sin(angle)))
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
