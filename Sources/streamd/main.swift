import AudioCore
import AudioIO
import Glibc
import Mixer
import PipeWireIO

let backend = try PipeWireBackend(remote: "", log: { print("log:", $0) })
let renderer = Renderer()
let bus = BusOutput(layout: .stereo, capacity: 16384, wakeAt: 240)
var reader = bus.makeReader()
renderer.publish(RenderPlan(input: .stereo, buses: [bus]))
let stream = try backend.open(StreamRequest(role: .monitor(of: .defaultSink), name: "probe", description: "Probe", quantum: 128), client: renderer) { print("event:", $0) }
try stream.start()
for _ in 0..<6 {
  usleep(500_000)
  var peak: Float = 0, count = 0
  var frame = [Float](repeating: 0, count: 480)
  while reader.readInterleaved(240, order: [0, 1], into: &frame) { count += 240; for s in frame { peak = max(peak, abs(s)) } }
  print(count, peak, stream.report, renderer.takeRecords().prefix(3))
}
stream.stop()
