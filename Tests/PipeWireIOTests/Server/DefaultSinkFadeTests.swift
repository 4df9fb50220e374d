import AudioCore
import AudioIO
import Glibc
import TestSupport
import Testing

@testable import PipeWireIO

/// The default sink changes between two that both play: what is heard goes down and up again, without a step.
@Suite(.serialized) struct DefaultSinkFadeTests {
  private static let frequencies = (997.0, 1499.0)

  enum Way: String, CaseIterable {
    case streams, monitor
    var role: StreamRole { self == .streams ? .streams(of: .defaultSink) : .monitor(of: .defaultSink) }
  }

  @Test(arguments: Way.allCases, Breadth.of([256, 1024], brief: [256])) func aChangeOfTheDefaultSinkIsNoClick(
    way: Way, quantum: Int
  ) throws {
    let server = try PrivatePipeWire.start(sinkChannels: 2)
    defer { server.stop() }
    try server.setQuantum(quantum)
    try server.createSink("other", channels: 2)
    let backend = try PipeWireBackend(remote: server.remote)
    // What our own process plays is not heard beside a sink: players have a connection of their own.
    let applications = try PipeWireConnection(remote: server.remote) { _ in }
    let players = [
      SinePlayer(applications, frequency: Self.frequencies.0, to: PrivatePipeWire.sinkName),
      SinePlayer(applications, frequency: Self.frequencies.1, to: "other"),
    ]
    let tape = CycleTape(channels: 2)
    let stream = try backend.open(
      StreamRequest(role: way.role, name: "streamd-change", description: "change"), client: tape, events: { _ in })
    try stream.start()
    for player in players { try player.start() }
    defer {
      stream.stop()
      for player in players { player.stop() }
    }
    try #require(waitUntil(timeout: 15) { tape.count > 100 && players.allSatisfy { $0.cycles > 100 } })
    let rounds = Breadth.rounds(short: 6, long: 100)
    // A monitor's port has nothing in the first cycle of a link.
    let limit = way == .streams ? 0.02 : max(0.02, Double(quantum) / 48_000 + 0.002)
    var holes: [Double] = []
    var steps: [Float] = []
    _ = tape.take()
    for round in 0..<rounds {
      let name = round % 2 == 0 ? "other" : PrivatePipeWire.sinkName
      try server.setDefaultSink(name)
      #expect(
        waitUntil(timeout: 10) {
          if case .running(let device) = stream.report.state { device == name } else { false }
        })
      _ = waitUntil(timeout: 0.15 + Double(round % 7) * 0.013) { false }
      let change = Change(tape.take())
      #expect(change.isOnTime, "round \(round)")
      #expect(change.frequency > 0.9 * (round % 2 == 0 ? Self.frequencies.1 : Self.frequencies.0))
      #expect(change.steepest <= Change.limit, "round \(round): \(change)")
      #expect(change.hole <= limit, "round \(round): \(change)")
      holes.append(change.hole * 1000)
      steps.append(change.steepest)
    }
    holes.sort()
    print(
      "\(way) at \(quantum): \(rounds) changes, hole median \(holes[rounds / 2]) ms, worst \(holes[rounds - 1]) ms; "
        + "steepest step \(steps.max() ?? 0), a sine's \(Change.limit); \(players.map(\.breaks)) breaks of the players")
  }
}

/// What was heard around one change of sinks, put together by the times at which it is due.
private struct Change: CustomStringConvertible {
  /// Longest time without sound.
  private(set) var hole = 0.0
  /// Greatest step from one sample to the next, silence included where nothing came.
  private(set) var steepest: Float = 0
  /// Of the last tenth of a second.
  private(set) var frequency = 0.0
  private(set) var isOnTime = true
  private var gaps: [String] = []

  /// What the steeper sine can have, with the slope of the fade and a little more.
  static let limit = Float(SinePlayer.amplitude * (2 * .pi * 1499 / 48_000 + 1.5 / 240) * 1.05)

  var description: String { "hole \(hole * 1000) ms, steepest \(steepest) in \(gaps.prefix(6))" }

  init(_ cycles: [CycleTape.Cycle]) {
    var sound: [Float] = []
    var due: Int64?
    var late = 0
    for cycle in cycles {
      if let due {
        let gap = cycle.time - due
        let missing = Int(gap * 48 / 1_000_000)
        if cycle.jumped || missing > 24 || missing < -24 {
          gaps.append("\(sound.count): \(missing) frames")
          sound += [Float](repeating: 0, count: max(missing, 1))
          // What comes a good deal too late is not sent.
          late = missing < -480 ? -missing : 0
        }
      }
      let dropped = min(late, cycle.frames)
      late -= dropped
      sound += cycle.samples[dropped..<cycle.frames]
      due = cycle.time + Int64(cycle.frames) * 1_000_000_000 / 48_000
    }
    var silent = 0
    var longest = 0
    var crossings = 0
    for (place, (a, b)) in zip(sound, sound.dropFirst()).enumerated() {
      if abs(b - a) > steepest {
        steepest = abs(b - a)
        if steepest > Self.limit { gaps.append("step \(steepest) at \(place)") }
      }
      silent = abs(b) < 0.002 ? silent + 1 : 0
      longest = max(longest, silent)
      if place > sound.count - 4800, a < 0, b >= 0 { crossings += 1 }
    }
    hole = Double(longest) / 48_000
    frequency = Double(crossings) * 10
    isOnTime = sound.count > 4800
  }
}
