import AudioCore
import AudioIO

/// What drives a downlink's buses, and what it says about that. Thread: control.
protocol SoundPath: AnyObject {
  var report: StreamReport { get }
  /// Which way captured sound comes; nil where nothing is captured.
  var facts: Downlink.PathFacts? { get }
  /// Works off what has come and what time brings; returns what is worth saying, in order.
  func attend(at now: HostTime) -> [Downlink.News]
  func stop()
}
