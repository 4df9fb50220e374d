import AudioCore
import Control
import Glibc
import GraphFiles
import Mixer
import SoundFiles

/// Renders a graph into a file, faster than real time.
enum GraphRender {
  private static let cycle = 1024

  static func run(_ options: Options) throws(Failure) -> ExitStatus {
    guard let path = options.value("--out") else { throw Failure(.usage, "usage", "--out FILE is missing") }
    guard let seconds = try number(options) else { throw Failure(.usage, "usage", "--seconds N is missing") }
    let target = try SoundTarget(path, options)
    let document = try GraphCheck.document(options)
    let library = SoundFileLibrary()
    let (engine, report) = try GraphCheck.engine(document, files: library)
    let layout = try layout(document)
    let file = try target.open(rate: document.rate, channels: layout.count)
    var pass = RenderPass(
      frames: Int(seconds * Double(document.rate.hertz)), rate: document.rate, asJSON: options.asJSON)
    let run = OfflineRun(engine, layout: layout, longest: FrameCount(cycle))
    do throws(SoundFileError) {
      while pass.left > 0 { try pass.take(run.advance(FrameCount(min(pass.left, cycle))), into: file) }
    } catch {
      throw Failure(.refused, error.code, error.message)
    }
    for trouble in engine.takeTroubles() {
      Console.note("graph: \(engine.graph.name(of: trouble.node)): \(trouble.message)")
    }
    pass.summarise(path, nodes: report.nodes)
    return .ok
  }

  private static func number(_ options: Options) throws(Failure) -> Double? {
    do { return try options.number("--seconds", in: 0.001...86_400) } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.usage, "usage", "\(error)")
    }
  }

  /// The widest of the output nodes: narrower ones play into its first channels.
  private static func layout(_ document: GraphDocument) throws(Failure) -> ChannelLayout {
    let outputs = document.graph.sortedNodes.filter { $0.kind == "output" }
    let layouts = outputs.compactMap { node in (try? NodeCatalog.linked.shape(of: node))?.inputs.first?.layout }
    guard let widest = layouts.max(by: { $0.count < $1.count }) else {
      throw Failure(.refused, "no_output", "the graph has no node of kind output: nothing would be in the file")
    }
    return widest
  }
}

/// How far a rendering is and what it saw.
private struct RenderPass {
  private(set) var left: Int
  private let total: Int
  private let rate: SampleRate
  private let asJSON: Bool
  private let began = renderNow()
  private var told: HostTime
  private var peak: Float = 0
  private var interleaved: [Float] = []

  init(frames: Int, rate: SampleRate, asJSON: Bool) {
    left = max(frames, 1)
    total = left
    self.rate = rate
    self.asJSON = asJSON
    told = began
  }

  mutating func take(_ block: Block, into file: any SoundFileWriter) throws(SoundFileError) {
    interleaved.removeAll(keepingCapacity: true)
    for frame in 0..<block.frames {
      for channel in 0..<block.channelCount {
        let sample = block.channel(channel)[frame]
        peak = max(peak, abs(sample))
        interleaved.append(sample)
      }
    }
    try file.write(interleaved, frames: block.frames)
    left -= block.frames
    // Only what takes long is worth a line.
    let now = renderNow()
    guard now - told > .seconds(1), left > 0 else { return }
    told = now
    Console.note("graph: \(100 * (total - left) / total) %, \(speed(now)) times real time")
  }

  private func speed(_ now: HostTime) -> Int {
    let media = FrameCount(total - left).duration(at: rate).milliseconds
    return Int(media / max((now - began).milliseconds, 0.001))
  }

  func summarise(_ path: String, nodes: Int) {
    let level = Decibels(amplitude: Double(peak)).value
    let seconds = Double(total) / Double(rate.hertz)
    if asJSON {
      let json: JSON = [
        "ok": true, "file": .string(path), "frames": JSON(total), "rate": JSON(rate.hertz), "nodes": JSON(nodes),
        "peak_dbfs": .number(level), "speed": JSON(speed(renderNow())),
      ]
      print(json.text)
    } else {
      let rounded = Double(Int(level * 10 - 0.5)) / 10
      print("\(path): \(seconds) s, peak \(rounded) dBFS, \(speed(renderNow())) times real time")
    }
  }
}
