import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem
import Glibc
import Synchronization

@testable import PipeWireIO

/// A player of a steady sine that stays at its sink, whatever the default is.
final class SinePlayer: GraphStream, @unchecked Sendable {
  static let amplitude = 0.2
  private let tone: Sine
  private let sink: String
  private var unlinkedSince: HostTime?

  init(_ connection: PipeWireConnection, frequency: Double, to sink: String) {
    self.sink = sink
    tone = Sine(frequency: frequency)
    let request = StreamRequest(
      role: .playback(to: .named(sink)), name: "sine-\(sink)", description: "sine", layout: .stereo)
    super.init(connection: connection, request: request, client: tone, events: { _ in })
  }

  override func look(_ core: OpaquePointer) {
    if node == nil {
      makeNode(
        core: core, direction: .playback, layout: .stereo,
        properties: [
          ("media.category", "Playback"), ("state.restore-target", "false"), ("state.restore-props", "false"),
          ("target.object", sink), ("node.dont-reconnect", "true"),
        ], flags: PW_STREAM_FLAG_AUTOCONNECT.rawValue | PW_STREAM_FLAG_DONT_RECONNECT.rawValue)
      node?.isOpen = true
      unlinkedSince = renderNow()
    }
    let id = node?.id
    if connection.graph.links.values.contains(where: { connection.graph.ports[$0.output]?.node == id }) {
      unlinkedSince = nil
    } else if let unlinkedSince {
      // WirePlumber 0.4 may never link a player that comes while it is busy with something else: it looks at a new one.
      if renderNow() - unlinkedSince > .seconds(2) { letGo() }
      connection.later(after: .milliseconds(500))
    }
  }

  var cycles: Int { tone.cycles }
  /// Cycles in which the server asked too late: then the sink has a step of its own.
  var breaks: Int { tone.breaks }

  private final class Sine: RenderClient, @unchecked Sendable {
    private let step: Double
    private var phase = 0.0
    private var expected: Int64?
    private let counts = (breaks: Counter(), cycles: Counter())
    var breaks: Int { counts.breaks.value.load(ordering: .relaxed) }
    var cycles: Int { counts.cycles.value.load(ordering: .relaxed) }

    private final class Counter: Sendable { let value = Atomic<Int>(0) }

    init(frequency: Double) { step = 2 * .pi * frequency / 48_000 }

    /// Thread: render.
    override func render(_ cycle: Cycle) {
      if let expected, cycle.position != expected { counts.breaks.value.add(1, ordering: .relaxed) }
      counts.cycles.value.add(1, ordering: .relaxed)
      expected = cycle.position + Int64(cycle.frames)
      for frame in 0..<cycle.frames {
        let sample = Float(SinePlayer.amplitude * sin(phase))
        phase += step
        if phase > 2 * .pi { phase -= 2 * .pi }
        for channel in 0..<cycle.output.channelCount { cycle.output.channel(channel)[frame] = sample }
      }
    }
  }
}
