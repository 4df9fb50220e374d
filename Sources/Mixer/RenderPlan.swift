public import AudioCore

/// An immutable description of one cycle's work: which buses exist and how the captured channels reach them. Built by
/// control, handed over whole, freed by control.
public struct RenderPlan: ~Copyable {
  /// The layout the plan was made for; blocks in another are rendered as silence until control has answered.
  let input: ChannelLayout
  let steps: UnsafeMutablePointer<Step>
  let stepCount: Int
  /// Keeps every bus alive while a plan mentions it. Never touched by render.
  private let buses: [BusOutput]

  struct Step {
    let bus: UnsafeMutablePointer<BusOutputState>
    let gains: UnsafeMutablePointer<Float>
  }

  /// Thread: control.
  public init(input: ChannelLayout, buses: [BusOutput]) {
    self.input = input
    self.buses = buses
    stepCount = buses.count
    steps = .allocate(capacity: max(buses.count, 1))
    for (index, bus) in buses.enumerated() {
      let matrix = ChannelMatrix(from: input, to: bus.layout)
      let gains = UnsafeMutablePointer<Float>.allocate(capacity: matrix.gains.count)
      gains.initialize(from: matrix.gains, count: matrix.gains.count)
      (steps + index).initialize(to: Step(bus: bus.state, gains: gains))
    }
  }

  /// Thread: control.
  deinit {
    for index in 0..<stepCount { steps[index].gains.deallocate() }
    steps.deallocate()
  }
}
