import AudioCore
import TestSupport

@testable import PipeWireIO

/// Players of one, two and six channels that come, go, pause and move between two sinks, by a fixed chance.
final class Crowd {
  struct Deeds: CustomStringConvertible {
    var joins = 0
    var leaves = 0
    var pauses = 0
    var resumes = 0
    var moves = 0
    var all: Int { joins + leaves + pauses + resumes + moves }
    var description: String {
      "\(joins) joins, \(leaves) leaves, \(pauses) pauses, \(resumes) resumes, \(moves) moves"
    }
  }

  private struct Member {
    var player: NoisePlayer
    var isPaused = false
    var sink: String
  }

  private let rig: StreamsRig
  private let sinks: [String]
  private let size: Int
  private var members: [Member] = []
  private var gone: [NoisePlayer] = []
  private var number = 0
  private var chance = SystemChance(seed: 20)
  private(set) var deeds = Deeds()
  private var diary: [(time: Int64, text: String)] = []

  private func note(_ text: String) {
    diary.append((renderNow().nanoseconds, text))
    if diary.count > 400 { diary.removeFirst(200) }
  }

  /// What was done shortly before.
  func deeds(before time: Int64) -> [String] {
    diary.filter { time - $0.time < 150_000_000 && $0.time - time < 30_000_000 }.map {
      "\($0.text) \((time - $0.time) / 1_000_000) ms before"
    }
  }

  init(_ rig: StreamsRig, sinks: [String], size: Int) {
    self.rig = rig
    self.sinks = sinks
    self.size = size
  }

  /// Those that play and those that have lately left: whoever may be in what is still to be compared.
  var players: [NoisePlayer] { members.map(\.player) + gone }
  /// How many were made in all.
  var total: Int { number }

  func act() throws {
    if members.count < size / 2 || (members.count < size && chance.next(3) == 0) { return join() }
    let index = chance.next(members.count)
    switch chance.next(10) {
    case 0, 1: leave(index)
    case 2...5: toggle(index)
    default: try move(index)
    }
  }

  func join() {
    number += 1
    let sink = sinks[chance.next(sinks.count)]
    let channels = [1, 2, 6][chance.next(3)]
    members.append(
      Member(player: NoisePlayer(rig.crowd, number: number, channels: channels, to: sink), sink: sink))
    deeds.joins += 1
    note("player-\(number) joined")
  }

  private func leave(_ index: Int) {
    let member = members.remove(at: index)
    note("\(member.player.name) left")
    member.player.leave()
    gone.append(member.player)
    if gone.count > 40 { gone.removeFirst() }
    deeds.leaves += 1
  }

  private func toggle(_ index: Int) {
    members[index].isPaused.toggle()
    note("\(members[index].player.name) \(members[index].isPaused ? "paused" : "resumed")")
    members[index].player.setActive(!members[index].isPaused)
    if members[index].isPaused { deeds.pauses += 1 } else { deeds.resumes += 1 }
  }

  private func move(_ index: Int) throws {
    guard let id = members[index].player.id else { return }
    let sink = sinks.first { $0 != members[index].sink } ?? sinks[0]
    members[index].sink = sink
    let graph = rig.crowd.locked { rig.crowd.graph }
    guard let target = graph.sinks.first(where: { $0.name == sink }) else { return }
    try rig.server.run(["pw-metadata", "\(id)", "target.node", "\(target.id)", "Spa:Id"])
    deeds.moves += 1
    note("\(members[index].player.name) moved to \(sink)")
  }

  func leave() { while !members.isEmpty { leave(0) } }
}

/// The same chances in every run.
struct SystemChance {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  mutating func next(_ limit: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state >> 33) % limit
  }
}
