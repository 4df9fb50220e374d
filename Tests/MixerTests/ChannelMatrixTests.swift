import AudioCore
import Mixer
import Testing

@Suite struct ChannelMatrixTests {
  private static let minus3dB: Float = 0.70710678

  /// The matrix as `to: [from: gain]`, zeros left out.
  private static func table(_ input: ChannelLayout, _ output: ChannelLayout) -> [String: [String: Float]] {
    let matrix = ChannelMatrix(from: input, to: output)
    var table: [String: [String: Float]] = [:]
    for (out, target) in output.names.enumerated() {
      for (source, name) in input.names.enumerated() where matrix[out, in: source] != 0 {
        table[target, default: [:]][name] = matrix[out, in: source]
      }
    }
    return table
  }

  @Test(arguments: [ChannelLayout.mono, .stereo, .surround51, .surround71]) func sameLayoutIsExact(
    layout: ChannelLayout
  ) {
    let table = Self.table(layout, layout)
    #expect(table == Dictionary(uniqueKeysWithValues: layout.names.map { ($0, [$0: Float(1)]) }))
  }

  @Test func orderOfChannelsIsNoMatter() throws {
    let swapped = try #require(ChannelLayout(ChannelLayout.surround71.labels.reversed()))
    let table = Self.table(swapped, .surround71)
    #expect(table == Dictionary(uniqueKeysWithValues: swapped.names.map { ($0, [$0: Float(1)]) }))
  }

  @Test func stereoToSurroundLeavesTheRestSilent() {
    #expect(Self.table(.stereo, .surround71) == ["FL": ["FL": 1], "FR": ["FR": 1]])
    #expect(Self.table(.stereo, .surround51) == ["FL": ["FL": 1], "FR": ["FR": 1]])
  }

  @Test func surroundToStereoAsTheRecommendationSays() {
    let g = Self.minus3dB
    #expect(
      Self.table(.surround71, .stereo) == [
        "FL": ["FL": 1, "FC": g, "RL": g, "SL": g], "FR": ["FR": 1, "FC": g, "RR": g, "SR": g],
      ])
    #expect(
      Self.table(.surround51, .stereo) == [
        "FL": ["FL": 1, "FC": g, "RL": g], "FR": ["FR": 1, "FC": g, "RR": g],
      ])
  }

  @Test func sevenOneToFiveOneFoldsTheSides() {
    let table = Self.table(.surround71, .surround51)
    #expect(table["RL"] == ["RL": 1, "SL": Self.minus3dB])
    #expect(table["RR"] == ["RR": 1, "SR": Self.minus3dB])
    #expect(table["LFE"] == ["LFE": 1])
  }

  /// Many sinks call the surrounds of 5.1 "side"; the codec calls them "rear". The same sound.
  @Test func sideAndRearOfFiveOneAreTheSame() throws {
    let side = try #require(
      ChannelLayout([.frontLeft, .frontRight, .frontCenter, .lowFrequency, .sideLeft, .sideRight]))
    let there = Self.table(side, .surround51)
    #expect(there["RL"] == ["SL": 1] && there["RR"] == ["SR": 1])
    let back = Self.table(.surround51, side)
    #expect(back["SL"] == ["RL": 1] && back["SR"] == ["RR": 1])
  }

  @Test func monoGoesToBothFrontsAndBack() {
    #expect(Self.table(.mono, .stereo) == ["FL": ["MONO": 1], "FR": ["MONO": 1]])
    #expect(Self.table(.mono, .surround71) == ["FL": ["MONO": 1], "FR": ["MONO": 1]])
    #expect(Self.table(.stereo, .mono) == ["MONO": ["FL": 0.5, "FR": 0.5]])
    let folded = Self.table(.surround51, .mono)["MONO"]
    #expect(folded?["FC"] == Self.minus3dB)
    #expect(folded?["LFE"] == nil)
    #expect(folded?["RL"] == Self.minus3dB / 2)
  }
}
