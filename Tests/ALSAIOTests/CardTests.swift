import AudioIO
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import ALSAIO

@Suite struct CardTests {
  @Test func namedPCMsAreListed() throws {
    let card = try SoftCard(
      more: """
        pcm.hidden { type null; hint { show off } }
        pcm.spoken { type null; hint { show on; description "For speech"; ioid "Input" } }
        pcm.wants { @args [ CARD ]; @args.CARD { type string }; type hw; card $CARD }
        """)
    let snapshot = CardListing.read(PCMConfiguration(files: card.configuration))
    let named = snapshot.sightings.filter { $0.handle.hasPrefix("pcm/") }
    #expect(Set(named.map(\.name)) == ["card", "default", "nothing", "tofile", "fromfile", "spoken"])
    #expect(named.filter { $0.name == "spoken" }.map(\.direction) == [.input])
    #expect(named.first { $0.name == "spoken" }?.description == "For speech")
    #expect(named.filter { $0.name == "card" }.count == 2)
    #expect(snapshot.defaults == [.input: "default", .output: "default"])
    // The configuration is read as it is now.
    try card.configure("pcm.other { type null }")
    let now = CardListing.read(PCMConfiguration(files: card.configuration))
    #expect(Set(now.sightings.filter { $0.handle.hasPrefix("pcm/") }.map(\.name)) == ["other"])
  }

  /// What the kernel does to a folder when a card comes and goes.
  @Test func cardsThatComeAndGoAreSeen() throws {
    let directory = try TemporaryDirectory()
    let folder = directory.path + "/snd"
    let present = Mutex<[String]>([])
    let told = Mutex<[[String]]>([])
    mkdir(folder, 0o755)
    let watch = CardWatch(folder: folder) {
      DeviceSnapshot(
        sightings: present.withLock { $0 }.map { DeviceSighting(handle: $0, direction: .output, name: $0) })
    }
    watch.observe { snapshot in told.withLock { $0.append(snapshot.sightings.map(\.name)) } }
    func last() -> [String]? { told.withLock { $0.last } }
    #expect(waitUntil(timeout: 5) { last() == [] })
    func touch(_ name: String) { close(open("\(folder)/\(name)", O_CREAT | O_WRONLY, 0o600)) }
    for round in 0..<3 {
      present.withLock { $0 = ["hw:CARD=c\(round),DEV=0"] }
      // Several files, one after the other, and the rights to them last.
      for file in ["controlC0", "pcmC0D0p", "pcmC0D0c"] { touch(file) }
      chmod("\(folder)/pcmC0D0p", 0o660)
      #expect(waitUntil(timeout: 5) { last() == ["hw:CARD=c\(round),DEV=0"] }, "\(String(describing: last()))")
      present.withLock { $0 = [] }
      for file in ["controlC0", "pcmC0D0p", "pcmC0D0c"] { unlink("\(folder)/\(file)") }
      #expect(waitUntil(timeout: 5) { last() == [] })
    }
    #expect(told.withLock { $0.count } == 7)
    // The folder itself goes with the last card and comes with the next.
    rmdir(folder)
    usleep(300_000)
    mkdir(folder, 0o755)
    present.withLock { $0 = ["back"] }
    touch("controlC0")
    #expect(waitUntil(timeout: 6) { last() == ["back"] })
    watch.observe(nil)
    present.withLock { $0 = ["unseen"] }
    touch("another")
    usleep(300_000)
    #expect(last() == ["back"])
  }
}
