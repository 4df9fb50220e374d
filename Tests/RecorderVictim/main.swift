// Records a ramp until it is killed: `recorder-victim FOLDER LIVE-FOLDER`. It writes a point for each block
// that it has handed over.
import AudioCore
import Glibc
import Recording

let format = RecordingFormat(rate: SampleRate(hertz: 48_000), layout: .stereo, samples: .integer24)
let terms = Recording.Terms(
  uri: "stream://victim", device: "ramp", format: format, chunkBytes: 24_576, folder: CommandLine.arguments[1],
  liveFolder: CommandLine.arguments[2])
let recording = try Recording(terms) { _ in }
recording.begin()
let frames = 256
let samples = UnsafeMutablePointer<Float>.allocate(capacity: 2 * frames)
let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)
planes.initialize(to: samples)
(planes + 1).initialize(to: samples + frames)
var position = 0
var count = 0
while true {
  // A hole now and then, so that there is one to be killed at.
  if count % 20 == 19 { position += 1000 }
  count += 1
  for channel in 0..<2 {
    for frame in 0..<frames {
      let step = ((position + frame) * 7 + channel * 911) % (1 << 24) - (1 << 23)
      planes[channel][frame] = Float(Double(step) / Double(1 << 23))
    }
  }
  let block = Block(channels: planes, channelCount: 2, frames: frames)
  let none = Block(channels: planes, channelCount: 0, frames: frames)
  renderDispatch(
    Unmanaged.passUnretained(recording.client),
    Cycle(
      frames: frames, time: HostTime(nanoseconds: 1_000_000_000 + Int64(position) * 1_000_000_000 / 48_000),
      position: Int64(position), quantum: frames, layout: .stereo, flags: [], input: block, output: none))
  position += frames
  _ = write(1, ".", 1)
  if count % 8 == 0 { recording.step(at: renderNow()) }
  usleep(200)
}
