import ALSAIO
import AudioCore
import AudioIO
import TestSupport

/// A PCM: a card that can be pulled out, one without a clock, or PipeWire's.
final class ALSAUnderTest: BackendUnderTest {
  let backend: any AudioBackend
  private let card: SoftCard
  private let server: PrivatePipeWire?
  private var recorder: Child?

  init(_ candidate: Candidate, for role: StreamRole.Kind?) throws {
    var pcms = "{ type asym; playback.pcm card; capture.pcm card }"
    server = candidate == .alsaPipeWire ? try PrivatePipeWire.start(sinkChannels: 2, microphone: true) : nil
    switch candidate {
    case .alsaNull: pcms = "nothing"
    case .alsaFile: pcms = "{ type asym; playback.pcm tofile; capture.pcm silence }"
    case .alsaPipeWire:
      pcms = #"{ type pipewire; server "\#(server!.remote)"; playback_node "-1"; capture_node "-1" }"#
    default: break
    }
    card = try SoftCard(
      more: """
        pcm.silence { type file; slave.pcm nothing; file "/dev/null"; infile "/dev/zero"; format raw }
        pcm.!default \(pcms)
        """)
    backend = ALSABackend(configuration: card.configuration)
    // As for PipeWire's own candidate: a source that drives its graph must not stop.
    if let server, role == .capture {
      recorder = try server.start([
        "sh", "-c", #"exec pw-record --target "$1" "$XDG_RUNTIME_DIR/microphone.wav""#, "sh",
        PrivatePipeWire.microphoneName,
      ])
    }
  }

  deinit {
    recorder?.stop()
    server?.stop()
  }

  /// Short periods, so that many cycles take little time.
  var quantum: FrameCount? { server == nil ? 128 : nil }

  func run(until condition: () -> Bool) -> Bool { waitUntil(timeout: 15, condition) }
  func runOn() { _ = waitUntil(timeout: server == nil ? 0.15 : 0.3) { false } }

  func loseDevice() throws {
    if let server { try server.destroyNode(PrivatePipeWire.sinkName) } else { card[.gone] = 1 }
  }

  func returnDevice() throws {
    if let server { try server.createSink(PrivatePipeWire.sinkName, channels: 2) } else { card[.gone] = 0 }
  }

  func loseServer() throws { server?.kill(.pipewire) }
  func returnServer() throws { try server?.restartServer() }
  func changeDevice(channels: Int) throws { throw SupportError("a PCM's channels are the stream's to choose") }
}
