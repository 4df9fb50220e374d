import Testing

@testable import AudioIO

@Suite struct DeviceNumberTests {
  @Test func aDeviceKeepsItsNumber() throws {
    var registry = DeviceRegistry()
    let mic = Seen.microphone(handle: "1", name: "mic", serial: "A")
    var own = Seen.sink("own", handle: "9")
    own.isOurs = true
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [mic, own]))
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [Seen.sink("sink", handle: "2")]))
    _ = registry.update("alsa", DeviceSnapshot(sightings: [Seen.sink("null", handle: "n")]))
    #expect(try registry.find("2").name == "sink" && registry.find("#3").name == "null")
    // Kept over a restart, and not given to another while it is away.
    var next = DeviceRegistry(numbers: DeviceNumbers(text: registry.numbers.text))
    _ = next.update("pipewire", DeviceSnapshot(sightings: [Seen.sink("new", handle: "1")]))
    #expect(next.devices.map(\.number) == [4])
    do throws(DeviceError) {
      _ = try next.find("#1")
      Issue.record("found")
    } catch { #expect(error.code == .away, "\(error)") }
    _ = next.update("pipewire", DeviceSnapshot(sightings: [Seen.microphone(handle: "7", name: "x", serial: "A"), own]))
    #expect(try next.find("1", DeviceScope(.input)).name == "x")
    #expect(next.devices.first { $0.isOurs }?.number == nil)
  }

  @Test func aNumberIsThatDeviceOrNone() {
    var registry = DeviceRegistry()
    _ = registry.update("pipewire", DeviceSnapshot(sightings: [Seen.sink("sink", handle: "1")]))
    func failure(_ words: String, _ scope: DeviceScope = DeviceScope()) -> DeviceError? {
      do throws(DeviceError) {
        _ = try registry.find(words, scope)
        return nil
      } catch { return error }
    }
    #expect(failure("99")?.code == .unknown && failure("99")?.hint?.contains("1 \"sink\"") == true)
    #expect(failure("1", DeviceScope(.input))?.message.contains("is an output") == true)
    // A device that is called so goes first.
    _ = registry.update(
      "pipewire", DeviceSnapshot(sightings: [Seen.sink("sink", handle: "1"), Seen.sink("1", handle: "2")]))
    #expect((try? registry.find("1"))?.name == "1" && (try? registry.find("#1"))?.name == "sink")
  }

  @Test func aDamagedFileCostsItsDamage() {
    let numbers = DeviceNumbers(text: "1 a\nx\n2\n-3 b\n1 c\n4 a\n9999999 z\n5 with some words\n")
    #expect(numbers.text == "1 a\n5 with some words\n")
    #expect(numbers[5]?.text == "with some words" && numbers[2] == nil)
  }
}
