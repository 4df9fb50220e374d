import AudioCore
import Control
import GraphFiles
import Mixer
import SoundFiles

/// One sound on its way through a chain, a hundredth of a second at a time, and what is seen of it there.
struct ChainPass {
  let latency: FrameCount
  private(set) var trace: RenderTrace
  /// Times real time, once it has run.
  private(set) var speed = 0

  private let engine: Engine
  private let run: OfflineRun
  private let layout: ChannelLayout
  private let sound: SoundFile
  private let frames: Int
  private let step: Int
  private let gains: [(node: NodeID, place: Int)]

  init(_ chain: Chain, path: String, sound: SoundFile, frames: Int) throws(Failure) {
    self.sound = sound
    self.frames = frames
    let made: (graph: Graph, layout: ChannelLayout)
    do throws(GraphDocumentError) {
      made = try chain.graph(
        from: ("file_source", ["path": .string(path)]), to: ("output", [:]), layout: sound.layout)
    } catch {
      throw Failure(.refused, error.code, "chain \(chain.name): \(error.message)")
    }
    layout = made.layout
    var settings = EngineSettings(rate: sound.rate)
    settings.files = SoundFileLibrary()
    engine = Engine(settings)
    do throws(GraphError) { latency = try engine.commit(made.graph).latency } catch {
      throw Failure(.refused, error.code, "chain \(chain.name): \(error.message)")
    }
    step = max(sound.rate.hertz / 100, 1)
    run = OfflineRun(engine, layout: layout, longest: FrameCount(step))
    var gains: [(node: NodeID, place: Int)] = []
    var names: [String] = []
    for node in made.graph.sortedNodes {
      for (place, reading) in engine.readings(of: node.id).enumerated() where Self.isGain(reading.name) {
        gains.append((node.id, place))
        names.append(node.name)
      }
    }
    self.gains = gains
    trace = RenderTrace(step: Double(step) / Double(sound.rate.hertz), gainNames: names)
  }

  private static func isGain(_ name: String) -> Bool { name == "reduction" || name == "gain" }

  /// The whole sound, once. Returns what meters say of what came out.
  mutating func run(into target: SoundTarget?) throws(Failure) -> SoundMeasurement {
    let began = renderNow()
    let file = try target.map { (target) throws(Failure) in
      try target.open(rate: sound.rate, channels: layout.count)
    }
    var tally = SoundTally(format: StreamFormat(rate: sound.rate, layout: layout))
    let original = SoundPlanes(channels: sound.layout.count, frames: step)
    var interleaved: [Float] = []
    // The delay of the chain first: what comes out meanwhile is silence from before the sound.
    var ahead = latency.value
    while ahead > 0 {
      ahead -= run.advance(FrameCount(min(ahead, step))).frames
    }
    var left = frames
    while left > 0 {
      let count = min(left, step)
      let block = run.advance(FrameCount(count))
      let read = sound.read(into: original.channels, limit: FrameCount(count)).value
      tally.add(block.channels, frames: count)
      let reading = tally.reading()
      trace.note(
        before: Self.peak(original.channels, sound.layout.count, read),
        after: Self.peak(block.channels, layout.count, count), momentary: reading.momentary,
        shortTerm: reading.shortTerm, gains: gains.map(gain))
      if let file {
        interleaved.removeAll(keepingCapacity: true)
        for frame in 0..<count {
          for channel in 0..<layout.count { interleaved.append(block.channel(channel)[frame]) }
        }
        do throws(SoundFileError) { try file.write(interleaved, frames: count) } catch {
          throw Failure(.refused, error.code, error.message)
        }
      }
      left -= count
    }
    let media = FrameCount(frames).duration(at: sound.rate).milliseconds
    speed = Int(media / max((renderNow() - began).milliseconds, 0.001))
    return tally.result("rendered")
  }

  private func gain(_ of: (node: NodeID, place: Int)) -> Double {
    let reading = engine.readings(of: of.node)[of.place]
    return reading.name == "gain" ? reading.value : -reading.value
  }

  private static func peak(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, _ count: Int, _ frames: Int) -> Float {
    var peak: Float = 0
    for channel in 0..<count {
      for frame in 0..<frames { peak = max(peak, abs(planes[channel][frame])) }
    }
    return peak
  }
}
