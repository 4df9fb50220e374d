import AudioCore
import Mixer

/// One cycle of the renderer into every bus, beside copies of the same channels.
func rendererCases() -> [Case] {
  var cases: [Case] = []
  for layout in [ChannelLayout.stereo, .surround71] {
    let programme = Programme(layout)
    for buses in [1, 8] {
      let fixture = RendererFixture(programme, buses: buses)
      cases.append(
        Case(
          name: "renderer/\(buses)x\(layout.count)ch", unit: "cycle", unitsPerBatch: RendererFixture.cycles,
          ours: { fixture.batch() }, floor: { fixture.bareBatch() }))
    }
  }
  return cases
}

private final class RendererFixture {
  static let quantum = 128
  static let capacity = 4096
  static let cycles = capacity / quantum

  /// The far end of a bus, which only makes room.
  private final class Drain {
    private var reader: AudioRing.Reader

    init(_ bus: BusOutput) { reader = bus.makeReader() }

    func empty() {
      reader.release(reader.available)
      _ = reader.mark()
    }
  }

  private let programme: Programme
  private let renderer = Renderer()
  private let buses: [BusOutput]
  private let drains: [Drain]
  private let player: Player
  private let rings: UnsafeMutablePointer<Float>
  private var offset = 0

  init(_ programme: Programme, buses count: Int) {
    self.programme = programme
    buses = (0..<count).map { _ in
      BusOutput(layout: programme.layout, capacity: FrameCount(Self.capacity))
    }
    drains = buses.map { Drain($0) }
    renderer.publish(RenderPlan(input: programme.layout, buses: buses))
    player = Player(programme, quantum: Self.quantum, client: renderer)
    let floats = count * programme.layout.count * Self.capacity
    rings = .allocate(capacity: floats)
    rings.initialize(repeating: 0, count: floats)
  }

  deinit { rings.deallocate() }

  /// Fills every ring once, then empties it: the reader's part is a few nanoseconds a cycle.
  func batch() {
    for _ in 0..<Self.cycles { _ = player.cycle() }
    for drain in drains { drain.empty() }
    precondition(buses[0].floodedFrames == 0)
  }

  func bareBatch() {
    for cycle in 0..<Self.cycles {
      for bus in 0..<buses.count {
        for channel in 0..<programme.layout.count {
          let ring = rings + (bus * programme.layout.count + channel) * Self.capacity
          bareCopy(ring + cycle * Self.quantum, programme.planar[channel] + offset, Self.quantum)
        }
      }
      offset = (offset + Self.quantum) % Programme.frames
    }
  }
}
