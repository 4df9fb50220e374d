import AudioCore
import Testing

@testable import ALSAIO

/// A device's channels against a stream's.
@Suite struct DeviceChannelsTests {
  private func gains(_ from: ChannelLayout, _ to: ChannelLayout) -> [[Float]] {
    DeviceChannels.gains(from: from.labels, to: to.labels)
  }

  @Test func sameChannelsPassUnchanged() {
    for layout in [ChannelLayout.mono, .stereo, .surround51, .surround71] {
      for (row, values) in gains(layout, layout).enumerated() {
        for (column, value) in values.enumerated() { #expect(value == (row == column ? 1 : 0)) }
      }
    }
  }

  @Test func orderIsTheDevices() {
    let device = DeviceChannels(count: 6, map: nil)
    #expect(device.labels == [.frontLeft, .frontRight, .rearLeft, .rearRight, .frontCenter, .lowFrequency])
    #expect(device.layout == .surround51)
    let gains = DeviceChannels.gains(from: ChannelLayout.surround51.labels, to: device.labels)
    #expect(gains[2] == [0, 0, 0, 0, 1, 0] && gains[4] == [0, 0, 1, 0, 0, 0])
    #expect(DeviceChannels(count: 1, map: nil).layout == .mono)
    #expect(DeviceChannels(count: 2, map: nil).layout == .stereo)
    #expect(DeviceChannels(count: 8, map: nil).layout == .surround71)
    #expect(DeviceChannels(count: 4, map: nil).layout.labels == [.frontLeft, .frontRight, .rearLeft, .rearRight])
    #expect(DeviceChannels(count: 18, map: nil).labels.count == 18)
  }

  @Test func fewerLoudspeakersLoseNothingButTheLowest() {
    #expect(gains(.mono, .stereo) == [[1], [1]])
    #expect(gains(.stereo, .mono) == [[0.5, 0.5]])
    let half = Float(0.5).squareRoot()
    #expect(gains(.surround51, .stereo) == [[1, 0, half, 0, half, 0], [0, 1, half, 0, 0, half]])
    // Sides go to the rear before they go to the front.
    let rows = gains(.surround71, .surround51)
    #expect(rows[4] == [0, 0, 0, 0, 1, 0, 1, 0] && rows[5] == [0, 0, 0, 0, 0, 1, 0, 1])
    #expect(gains(.stereo, .surround51)[2...].allSatisfy { $0 == [0, 0] })
  }
}
