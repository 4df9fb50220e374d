import AudioCore
import Glibc

/// Reads a SOFA file in a process of its own, which is this program again, bounded in time and memory: what crashes there is
/// an error here. What comes back is checked as if a stranger had sent it.
///
/// The child writes `HEAD`, rate, planes and frames as 32-bit words, and the planes; or `FAIL`, and code and message in lines.
public enum HeadProcess {
  /// The first argument of a program that is asked to be the child.
  public static let argument = "--read-head"
  /// What the child may take.
  static let seconds = 5
  static let bytes = 1 << 30

  // MARK: The child

  /// To be called first thing by every program that opens sound files: returns unless it is the child.
  public static func serve(_ arguments: [String]) {
    guard arguments.count > 3, arguments[1] == argument else { return }
    var limit = rlimit(rlim_cur: rlim_t(seconds), rlim_max: rlim_t(seconds))
    setrlimit(__rlimit_resource_t(RLIMIT_CPU.rawValue), &limit)
    limit = rlimit(rlim_cur: rlim_t(bytes), rlim_max: rlim_t(bytes))
    setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
    limit = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    do throws(SoundFileError) {
      let file = try HeadFile(path: arguments[2])
      let answer = try file.responses(arguments[3...].compactMap { Double($0) })
      let frames = answer.planes.first?.count ?? 0
      send([UInt8]("HEAD".utf8))
      for word in [answer.rate.hertz, answer.planes.count, frames] {
        withUnsafeBytes(of: UInt32(clamping: word)) { send($0) }
      }
      for plane in answer.planes { plane.withUnsafeBytes { send($0) } }
    } catch {
      send([UInt8]("FAIL\(error.code)\n\(error.message)".utf8))
    }
    exit(0)
  }

  private static func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { send($0) } }

  private static func send(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      guard count > 0 else { exit(1) }
      rest = rest.dropFirst(count)
    }
  }

  // MARK: The parent

  /// Thread: control, which waits.
  static func read(program: String, path: String, azimuths: [Double]) throws(SoundFileError) -> HeadResponses {
    let most = 16 + 2 * azimuths.count * 4 * (Int(HeadFile.longest + 1) * 384_000 + 64)
    let words = [program, argument, path] + azimuths.map { "\($0)" }
    guard let answer = answer(of: words, program: program, most: most), answer.count > 4 else {
      throw SoundFileError(code: "file_format", message: "\(path) is no SOFA file that can be read")
    }
    if answer.starts(with: "FAIL".utf8) {
      let lines = String(decoding: answer.dropFirst(4).prefix(4096), as: UTF8.self).split(
        separator: "\n", maxSplits: 1)
      throw SoundFileError(code: lines.first.map { String($0) } ?? "", message: lines.last.map { String($0) } ?? "")
    }
    guard let found = responses(answer, directions: azimuths.count) else {
      throw SoundFileError(code: "file_format", message: "\(path) is no SOFA file that can be read")
    }
    return found
  }

  private static func responses(_ answer: [UInt8], directions: Int) -> HeadResponses? {
    guard answer.starts(with: "HEAD".utf8), answer.count >= 16 else { return nil }
    let words = answer.withUnsafeBytes { raw in
      (1..<4).map { Int(raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
    }
    let (hertz, planes, frames) = (words[0], words[1], words[2])
    guard (8000...384_000).contains(hertz), planes == 2 * directions, frames > 0,
      answer.count == 16 + 4 * planes * frames
    else { return nil }
    return HeadResponses(
      rate: SampleRate(hertz: hertz),
      planes: answer.withUnsafeBytes { raw in
        (0..<planes).map { plane in
          (0..<frames).map { frame in
            let sample = raw.loadUnaligned(fromByteOffset: 16 + 4 * (plane * frames + frame), as: Float.self)
            return sample.magnitude < 1e6 ? sample : 0
          }
        }
      })
  }

  /// What the child says, at most so much of it; nil unless it ends well and in time.
  private static func answer(of words: [String], program: String, most: Int) -> [UInt8]? {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    let child = spawn(words, program: program, output: ends[1])
    close(ends[1])
    guard let child else { return nil }
    var all: [UInt8] = []
    var isWhole = false
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    let deadline = now() + Double(seconds)
    while all.count <= most {
      var wait = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
      let left = Int32(max(deadline - now(), 0) * 1000)
      let ready = poll(&wait, 1, left)
      if ready < 0 && errno == EINTR { continue }
      guard ready > 0 else { break }
      let count = Glibc.read(ends[0], buffer.baseAddress, buffer.count)
      if count < 0 && errno == EINTR { continue }
      isWhole = count == 0
      guard count > 0 else { break }
      all += buffer[..<count]
    }
    if !isWhole { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return isWhole && status == 0 ? all : nil
  }

  private static func spawn(_ words: [String], program: String, output: Int32) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Neither the signals that control waits for by itself, nor what it ignores, are the child's.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    // A crash is no news, and nobody waits for its story.
    var environment: [UnsafeMutablePointer<CChar>?] = [strdup("SWIFT_BACKTRACE=enable=no"), nil]
    defer { free(environment[0]) }
    var child: pid_t = 0
    let status = posix_spawn(&child, program, &actions, &attributes, &arguments, &environment)
    return status == 0 ? child : nil
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
