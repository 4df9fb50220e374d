// Takes a lease on the default sink and gives it back, over and over, until it is killed; with a fourth argument it
// keeps the first: `lease-holder SERVER DIRECTORY SINK [keep]`.
import AudioIO
import Glibc
import Leases
import PipeWireIO
import Wiring

func say(_ text: String, to file: Int32 = 1) { _ = (text + "\n").withCString { write(file, $0, strlen($0)) } }

let arguments = CommandLine.arguments
guard arguments.count >= 4 else { exit(2) }
do {
  let choice = try PipeWireBackend(remote: arguments[1]).defaultSink
  while choice.state.configured == .unknown { usleep(1000) }
  let lease = DefaultSinkLease(choice: choice, file: LeaseFile(directory: arguments[2]))
  say("ready")
  while true {
    _ = try lease.acquire(arguments[3], for: "test")
    while choice.state.configured != .sink(arguments[3]) { usleep(200) }
    if arguments.count > 4 {
      say("held")
      while true { pause() }
    }
    _ = try lease.release(arguments[3], for: "test")
    while choice.state.configured == .sink(arguments[3]) { usleep(200) }
  }
} catch {
  say("\(error)", to: 2)
  exit(1)
}
