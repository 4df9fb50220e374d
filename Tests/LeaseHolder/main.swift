// Takes a lease on a default device and gives it back, over and over, until it is killed; with a fifth argument it keeps
// the first: `lease-holder SERVER DIRECTORY NAME sink|source [keep]`.
import AudioIO
import Glibc
import Leases
import PipeWireIO
import Wiring

func say(_ text: String, to file: Int32 = 1) { _ = (text + "\n").withCString { write(file, $0, strlen($0)) } }

let arguments = CommandLine.arguments
guard arguments.count >= 5 else { exit(2) }
do {
  let backend = try PipeWireBackend(remote: arguments[1])
  let choice = arguments[4] == "source" ? backend.defaultSource : backend.defaultSink
  while choice.state.configured == .unknown { usleep(1000) }
  let lease = DefaultDeviceLease(choice: choice, file: LeaseFile(directory: arguments[2]))
  say("ready")
  while true {
    _ = try lease.acquire(arguments[3], for: "test")
    while choice.state.configured != .named(arguments[3]) { usleep(200) }
    if arguments.count > 5 {
      say("held")
      while true { pause() }
    }
    _ = try lease.release(arguments[3], for: "test")
    while choice.state.configured == .named(arguments[3]) { usleep(200) }
  }
} catch {
  say("\(error)", to: 2)
  exit(1)
}
