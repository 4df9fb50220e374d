import AudioCore
import AudioIO
import Capture
import Glibc
import Mixer
import OpusCodec
import PipeWireIO
import Synchronization
import TestSupport
import Testing
import Wire
import Wiring

extension DaemonTests {
  /// A consumer that does nothing for five seconds loses sound, and nothing else.
  @Suite(.serialized) struct StallTests {
    @Test func aCapturerNobodyReadsDropsAndCounts() throws {
      let server = try PrivatePipeWire()
      let backend = try PipeWireBackend(remote: server.remote)
      let capturer = try DesktopCapturer.open(channels: 2, on: backend)
      let first = try TonePlayer(server, frequency: 997)
      #expect(try waitUntil(timeout: 15) { try capturer.nextChunk().contains { $0 > 0.05 } })
      let (memory, dropped, start) = (Self.residentBytes, capturer.droppedFrames, monotonicSeconds())
      waitUntil(timeout: 5) { false }
      let stalled = monotonicSeconds() - start
      let grown = Self.residentBytes - memory
      let lost = capturer.droppedFrames - dropped
      measured("memory grown in a stall", Double(grown) / 1e6, "MB")
      measured("frames dropped, in seconds of \(stalled)", Double(lost) / 48_000, "s")
      #expect(grown < 2_000_000)
      // What the ring holds was kept, the rest counted. A graph that was itself late delivers a little less.
      #expect((Int((stalled - 1.6) * 48_000)...Int(stalled * 48_000)).contains(lost))

      // Another tone while still nobody reads: what is heard afterwards tells old sound from new.
      let second = try swap(first, server)
      waitUntil(timeout: 0.5) { false }
      capturer.drain()
      var heard: [Float] = []
      let resumed = monotonicSeconds()
      while heard.count < 48_000 { heard += try capturer.nextChunk() }
      let pace = monotonicSeconds() - resumed
      let left = stride(from: 0, to: heard.count, by: 2).map { heard[$0] }
      #expect(ToneAnalysis.level(of: 1499, in: left, rate: 48_000) > -21)
      #expect(ToneAnalysis.level(of: 997, in: left, rate: 48_000) < -70)
      // Half a second of sound takes half a second: nothing was kept to be caught up with.
      measured("half a second of fresh sound took", pace, "s")
      #expect(pace > 0.4)
      withExtendedLifetime(second) {}
    }

    private func swap(_ old: TonePlayer, _ server: PrivatePipeWire) throws -> TonePlayer {
      old.stop()
      return try TonePlayer(server, frequency: 1499)
    }

    @Test func aSinkThatBlocksGetsNoStaleSoundAndNoBurst() throws {
      let server = try PrivatePipeWire()
      let backend = try PipeWireBackend(remote: server.remote)
      let downlink = try Downlink(
        backend: backend, key: Downlink.Key(target: .defaultSink, quantum: 256), name: "stalled"
      ) {}
      defer { downlink.stop() }
      let sink = StallingSink()
      let stall = try StallRig(downlink, sink)
      defer { stall.stop() }
      let tone = try TonePlayer(server)
      #expect(waitUntil(timeout: 15) { sink.sent.count > 200 })

      sink.stallNext(seconds: 5)
      let before = stall.statistics
      let sentBefore = stall.outlet.counts.packets
      #expect(waitUntil(timeout: 15) { sink.sent.contains { $0.wasStalled } })
      let count = sink.sent.count
      #expect(waitUntil(timeout: 15) { sink.sent.count > count + 200 })
      let after = stall.statistics
      judge(sink.sent, lag: 0.040)

      let stale = Double(after.reframed.staleFrames - before.reframed.staleFrames + UInt64(stall.flooded)) / 48_000
      let gaps = Double(after.reframed.gapFrames - before.reframed.gapFrames) / 48_000
      measured("sound thrown away after a stall of 5 s", stale, "s")
      measured("gap in the stream after it", gaps, "s")
      #expect(abs(stale - 5) < 0.2 && abs(gaps - 5) < 0.2)
      #expect(stall.outlet.counts.packets - sentBefore + 1 < UInt64(sink.sent.count))
      withExtendedLifetime(tone) {}
    }

    private func judge(_ sent: [StallingSink.Sent], lag: Double) {
      guard let stalled = sent.firstIndex(where: { $0.wasStalled }) else { return }
      // A cycle of 256 frames is 5.3 ms; the rest is what a loaded machine may take to wake the encoder.
      let oldest = sent[(stalled + 1)...].map { $0.at - $0.captured }.max() ?? 0
      measured("oldest sound sent after the stall", oldest * 1000, "ms")
      #expect(oldest < lag + 0.0053 + 0.005 + 0.020)
      var (run, longest) = (1, 1)
      for index in sent.indices.dropFirst(stalled + 2) {
        run = sent[index].at - sent[index - 1].at < 0.001 ? run + 1 : 1
        longest = max(longest, run)
      }
      measured("packets back to back after the stall", Double(longest), "")
      #expect(longest <= Int(lag / 0.005))
      // Time goes on as if nothing had been: the next packet stands where real time does.
      let steps = zip(sent[(stalled + 1)...], sent[stalled...]).map {
        Int(Int32(bitPattern: $0.header.timestamp &- $1.header.timestamp))
      }
      let jump = Double(steps.first ?? 0) / 48_000
      measured("step of the timestamps over the stall", jump, "s")
      #expect(abs(steps.prefix(20).reduce(0) { $0 + $1 - 240 }.seconds - 5) < 0.1)
      for (next, this) in zip(sent.dropFirst(), sent) { #expect(next.header.sequence == this.header.sequence &+ 1) }
    }

    private static var residentBytes: Int {
      guard let file = fopen("/proc/self/statm", "r") else { return 0 }
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 128)
      guard fgets(&line, 128, file) != nil else { return 0 }
      let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
        separator: " ")
      return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * 4096
    }
  }
}

extension Int {
  fileprivate var seconds: Double { Double(self) / 48_000 }
}

/// Keeps what it is given, and once, when told, takes its time.
final class StallingSink: PacketSink {
  struct Sent: Sendable {
    var header: RTPHeader
    var captured: Double
    var at: Double
    var wasStalled: Bool
  }

  private let packets = Mutex<[Sent]>([])
  private let stall = Mutex(0.0)

  var sent: [Sent] { packets.withLock { $0 } }
  func stallNext(seconds: Double) { stall.withLock { $0 = seconds } }

  func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome {
    let at = monotonicSeconds()
    let pause = stall.withLock { pause in
      defer { pause = 0 }
      return pause
    }
    if pause > 0 { usleep(UInt32(pause * 1e6)) }
    guard let parsed = try? RTPParser().parse(packet), let time = parsed.captureTime else {
      return .failed(errno: EINVAL)
    }
    let sent = Sent(
      header: parsed.header, captured: Double(time.unixNanoseconds) / 1e9, at: at, wasStalled: pause > 0)
    packets.withLock { $0.append(sent) }
    return .sent
  }
}

/// An encoder on a thread as in the daemon, with a sink of the test's.
final class StallRig: @unchecked Sendable {
  private let downlink: Downlink
  private let bus: BusOutput
  private let encoder: FrameEncoder
  let outlet: RTPOutlet
  private let ending = Atomic<Bool>(false)
  private var thread = pthread_t()

  init(_ downlink: Downlink, _ sink: any PacketSink) throws {
    self.downlink = downlink
    let codec = OpusConfiguration.standard(layout: .stereo, bitrate: 96_000)
    bus = BusOutput(layout: .stereo, capacity: 32_768)
    encoder = try FrameEncoder(
      reader: bus.makeReader(), busLayout: .stereo, configuration: codec, start: renderNow())
    outlet = RTPOutlet(
      packetizer: RTPPacketizer(source: 1, sequence: 0, timestamp: 0, carriesCaptureTime: true), sink: sink,
      frame: codec.frame.frames, payloadLimit: FrameEncoder.payloadLimit(codec), wallOffset: { 0 })
    encoder.add(OutletSlot(outlet, frame: codec.frame.frames))
    pthread_create(&thread, nil, stallRigMain, Unmanaged.passUnretained(self).toOpaque())
    downlink.add(bus)
  }

  func stop() {
    downlink.remove(bus)
    ending.store(true, ordering: .releasing)
    bus.signal.wake()
    pthread_join(thread, nil)
  }

  var statistics: FrameEncoder.Statistics { encoder.statistics() }
  var flooded: Int { bus.floodedFrames }

  fileprivate func run() {
    while !ending.load(ordering: .acquiring) {
      let ticket = bus.signal.ticket
      guard let deadline = encoder.step(now: renderNow()) else { continue }
      bus.signal.wait(since: ticket, until: deadline)
    }
  }
}

private func stallRigMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<StallRig>.fromOpaque(raw!).takeUnretainedValue().run()
  return nil
}
