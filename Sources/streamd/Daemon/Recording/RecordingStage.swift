import Control
import Mixer
import Wiring

/// Where what is recorded plays.
@ControlActor
protocol RecordingStage: AnyObject {
  func downlink(for key: Downlink.Key) throws(ControlError) -> Downlink
  func session(_ name: String) throws(ControlError) -> StreamSession
  func requireMicrophones() throws(ControlError) -> Microphones
  /// A tap of the graph, by the node's name.
  func tap(_ name: String) throws(ControlError) -> TapProcessor
  func releaseUnused()
  func tell(_ text: String, isTrouble: Bool)
}

extension Daemon: RecordingStage {
  func tap(_ name: String) throws(ControlError) -> TapProcessor { try graph.tap(name) }
}
