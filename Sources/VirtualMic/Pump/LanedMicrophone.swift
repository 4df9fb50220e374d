/// A virtual microphone that several talkers share: each pushes into a lane of its own and the device sums the lanes, so
/// that voices sound together instead of one after the other.
/// Thread: one owner, as for the device.
public protocol LanedMicrophone: VirtualMicrophone {
  /// A lane for this talker; nil while no more fit. A lane has the device's channels and lives and dies with it: its
  /// `push` is false only when the device is dead, its `discard` throws away this talker's sound only.
  func openLane(for talker: TalkerID) -> (any VirtualMicrophone)?
  /// The talker will not push again.
  func closeLane(for talker: TalkerID)
}
