import Control

/// Time for pictures that belong to the sound.
enum ClockVerb: Verb {
  typealias Context = Daemon

  static let name = "clock"
  static let scope = VerbScope.read
  static let summary = "Where the graph is, in frames, and when its device plays that by CLOCK_MONOTONIC."
  static let result = "running, position, time_ns, now_position, now_ns, rate, drift_ppm, error_us"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.graph.clock()
  }
}

@section("streamd_verbs") @used
let clockRecord: VerbRecord = (1, { exportVerb(ClockVerb.self) })
