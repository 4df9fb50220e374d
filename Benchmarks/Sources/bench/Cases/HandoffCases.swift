import AudioCore

/// What it costs to give the render thread something new, and what a cycle pays when there is nothing new.
func handoffCases() -> [Case] {
  let fixture = HandoffFixture()
  return [
    Case(
      name: "handoff/publish-adopt-reclaim", unit: "value", unitsPerBatch: 1000,
      ours: { fixture.exchange(1000) }, floor: { fixture.bareExchange(1000) }),
    Case(
      name: "handoff/adopt-nothing", unit: "cycle", unitsPerBatch: 10_000,
      ours: { fixture.adopt(10_000) }, floor: { fixture.bareAdopt(10_000) }),
  ]
}

/// About the size of a render plan.
private struct Plan: ~Copyable {
  var values = InlineArray<6, Int>(repeating: 1)
}

private final class HandoffFixture {
  private let handoff = Handoff<Plan>()
  private let face: RenderFace<Plan>
  private let place: UnsafeMutablePointer<UnsafeMutablePointer<Plan>>

  init() {
    face = handoff.renderFace
    place = .allocate(capacity: 1)
    place.initialize(to: .allocate(capacity: 1))
    place.pointee.initialize(to: Plan())
  }

  deinit {
    place.pointee.deallocate()
    place.deallocate()
  }

  @inline(never) func exchange(_ count: Int) {
    for _ in 0..<count {
      handoff.publish(Plan())
      use(Int(bitPattern: face.adopt()))
      handoff.reclaim()
    }
  }

  /// A value made and freed, with nobody to hand it to.
  @inline(never) func bareExchange(_ count: Int) {
    for _ in 0..<count {
      let value = UnsafeMutablePointer<Plan>.allocate(capacity: 1)
      value.initialize(to: Plan())
      use(Int(bitPattern: value))
      value.deinitialize(count: 1)
      value.deallocate()
    }
  }

  @inline(never) func adopt(_ count: Int) {
    for _ in 0..<count { use(Int(bitPattern: face.adopt())) }
  }

  /// Reading a pointer that never changes.
  @inline(never) func bareAdopt(_ count: Int) {
    for _ in 0..<count { use(Int(bitPattern: place.pointee)) }
  }
}
