import AudioCore
import AudioIO
import Control
import Glibc
import GraphFiles
import Settings
import Wiring

// From what a user asked for to what drives the graph: flags before environment before files.
extension Settings {
  /// STREAMD_BACKEND, STREAMD_DEVICE and STREAMD_PERIOD say it for one run.
  mutating func followEnvironment() throws(ControlError) {
    func variable(_ name: String) -> String? {
      guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
      return value
    }
    if let backend = variable("STREAMD_BACKEND") {
      guard SoundSystems.names.contains(backend) else {
        throw ControlError(
          .badArgs, "STREAMD_BACKEND=\(backend): one of \(SoundSystems.names.joined(separator: ", "))")
      }
      graph.backend = backend
    }
    if let device = variable("STREAMD_DEVICE") { graph.device = device == "default" ? "" : device }
    if let text = variable("STREAMD_PERIOD") {
      guard let period = Int(text), (16...8192).contains(period) else {
        throw ControlError(.badArgs, "STREAMD_PERIOD=\(text): 16 to 8192 frames")
      }
      graph.period = period
    }
  }
}

extension GraphDevice {
  init(_ settings: Settings.Graph) throws(ControlError) {
    guard let layout = ChannelLayout(channels: settings.channels) else {
      throw ControlError(.badArgs, "graph.channels: 1, 2, 6 and 8 are possible")
    }
    self.init(
      system: settings.backend, name: settings.device.isEmpty ? nil : settings.device,
      format: StreamFormat(rate: SampleRate(hertz: settings.rate), layout: layout),
      period: FrameCount(settings.period))
  }
}

extension GraphRoom {
  /// Loads the graph of a file and starts it. A graph that is none is said, and costs nothing else.
  func load(file path: String) throws(ControlError) {
    guard let text = Self.text(of: path) else {
      throw ControlError(.notFound, "\(path): \(String(cString: strerror(errno)))")
    }
    let json: JSON
    do throws(JSONParseError) { json = try JSON.parse(text) } catch {
      throw ControlError(.parse, "\(path): \(error)")
    }
    let document: GraphDocument
    do throws(GraphDocumentError) { document = try GraphDocument(json) } catch { throw error.controlError }
    _ = try replace(by: document.graph)
    try start()
  }

  private static let longestFile = 8 << 20

  private static func text(of path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    return [UInt8](unsafeUninitializedCapacity: longestFile) { room, count in
      count = fread(room.baseAddress, 1, longestFile, file)
    }
  }
}
