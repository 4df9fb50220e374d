import Synchronization
import Testing

@testable import AudioIO

/// A watch whose sight is the test's.
private final class FakeWatch: DeviceWatch {
  let system: String
  private let seen = Mutex<(@Sendable (DeviceSnapshot) -> Void)?>(nil)

  init(_ system: String) { self.system = system }

  func observe(_ seen: (@Sendable (DeviceSnapshot) -> Void)?) { self.seen.withLock { $0 = seen } }
  var isObserved: Bool { seen.withLock { $0 != nil } }
  func show(_ snapshot: DeviceSnapshot) { seen.withLock { $0 }?(snapshot) }
}

@Suite struct LiveDevicesTests {
  @Test func systemsAreWatchedFromWhenTheyAreAskedFor() {
    let (one, other) = (FakeWatch("pipewire"), FakeWatch("alsa"))
    let live = LiveDevices(["pipewire": { one }, "alsa": { other }])
    #expect(!one.isObserved && !other.isObserved)
    live.attach("pipewire")
    live.attach("pipewire")
    live.attach("nothing of that name")
    #expect(one.isObserved && !other.isObserved)
    let heard = Heard()
    let observer = live.observe { heard.add($0) }
    one.show(DeviceSnapshot(sightings: [Seen.sink("a", handle: "1")]))
    one.show(DeviceSnapshot(sightings: [Seen.sink("a", handle: "1")]))
    #expect(heard.count == 1 && live.registry.devices.count == 1)
    live.attach("alsa")
    // An empty listing is news once: who waits for it goes on.
    other.show(DeviceSnapshot())
    other.show(DeviceSnapshot())
    #expect(heard.count == 2)
    live.forget(observer)
    one.show(DeviceSnapshot())
    #expect(heard.count == 2 && live.registry.devices.isEmpty)
    live.stop()
    #expect(!one.isObserved && !other.isObserved)
  }

  private final class Heard: Sendable {
    private let events = Mutex<[[DeviceEvent]]>([])
    func add(_ news: [DeviceEvent]) { events.withLock { $0.append(news) } }
    var count: Int { events.withLock { $0.count } }
  }
}
