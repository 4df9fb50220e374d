// What programs that open sound files are when they read a head: `head-reader --read-head FILE AZIMUTH…`. With `crash` or
// `babble` for a file it does that.
import Glibc
import SoundFiles

if CommandLine.arguments.count > 2 {
  switch CommandLine.arguments[2] {
  case "/crash.sofa": raise(SIGSEGV)
  case "/babble.sofa":
    let words = [UInt8](repeating: 72, count: 1 << 16)
    while write(STDOUT_FILENO, words, words.count) > 0 {}
  case "/lies.sofa":
    let words = [UInt8]("HEAD".utf8) + [0x80, 0xBB, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3, 4]
    _ = write(STDOUT_FILENO, words, words.count)
    exit(0)
  default: break
  }
}
HeadProcess.serve(CommandLine.arguments)
exit(2)
