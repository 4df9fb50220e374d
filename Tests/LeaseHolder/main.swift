// Takes a lease on a default device and gives it back, over and over, until it is killed; with a fifth argument it keeps
// the first: `lease-holder SERVER DIRECTORY NAME sink|source [keep]`. Or sends an application's stream to a sink and makes it
// quieter, once or, with a sixth argument, over and over: `lease-holder SERVER DIRECTORY APPLICATION stream SINK [again]`.
import AudioIO
import Glibc
import Leases
import PipeWireIO
import Wiring

func say(_ text: String, to file: Int32 = 1) { _ = (text + "\n").withCString { write(file, $0, strlen($0)) } }

func hold(_ book: any AppStreamBook, of application: String, sink: String, again: Bool) throws -> Never {
  let lease = AppStreamLease(book: book, file: LeaseFile(directory: arguments[2], .passing))
  while true {
    usleep(1000)
    guard book.isReady, let stream = book.streams?.first(where: { $0[.applicationName] == application }),
      !stream.volumes.isEmpty, !stream.sinks.isEmpty
    else { continue }
    say("ready")
    for level in [8, 7, 6, 5, 4] {
      let volumes = stream.volumes.map { _ in Float(level) / 16 }
      guard try lease.make([AppStreamLease.Wish(stream.id, sink: sink, volumes: volumes)]).isEmpty else { exit(3) }
      while again == false, book.streams?.first(where: { $0.id == stream.id })?.volumes != volumes { usleep(1000) }
      if again { usleep(1000) }
    }
    if again {
      try lease.release(routesOf: [stream.id], volumesOf: [stream.id])
      continue
    }
    say("held")
    while true { pause() }
  }
}

let arguments = CommandLine.arguments
guard arguments.count >= 5 else { exit(2) }
do {
  let backend = try PipeWireBackend(remote: arguments[1])
  if arguments[4] == "stream" {
    try hold(backend.appStreams, of: arguments[3], sink: arguments[5], again: arguments.count > 6)
  }
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
