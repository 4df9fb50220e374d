import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// `monitor` and `watch --format`, the programs themselves.
  @Suite(.serialized) struct MonitorTests {
    private func daemon() throws -> DaemonUnderTest {
      try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
    }

    /// A terminal of 80x24 around a program: waits for the header, resizes, asks for the end in one of several ways, and
    /// says how the program ended and whether the terminal is as it was.
    private static let terminal = """
      import fcntl, json, os, re, select, signal, struct, sys, termios, time
      way, arguments = sys.argv[1], sys.argv[2:]
      master, slave = os.openpty()
      size = lambda rows, columns: fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
      size(24, 80)
      before = termios.tcgetattr(slave)
      child = os.fork()
      if child == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for number in range(3): os.dup2(slave, number)
        os.close(master)
        os.execvp(arguments[0], arguments)
      seen = b''
      def read(pattern, limit=30):
        global seen
        start, end = len(seen), time.monotonic() + limit
        while time.monotonic() < end:
          if re.search(pattern, seen[start:]): return True
          if select.select([master], [], [], 0.05)[0]: seen += os.read(master, 65536)
        return False
      result = {'header': read(rb'streamd [0-9.]+'), 'levels': b'Levels' in seen or read(rb'Levels')}
      result['raw'] = termios.tcgetattr(slave) != before
      size(40, 120)
      # What addresses the last line of a larger screen, in the words of terminals that have them.
      if os.environ['TERM'] != 'vt100': result['resized'] = read(rb'\\x1b\\[40(;[0-9]+H|d)')
      if way == 'gone':
        os.kill(int(os.environ['DAEMON']), signal.SIGTERM)
        result['gone'] = read(rb'the daemon is gone')
      if way in ('q', 'gone'): os.write(master, b'q')
      elif way == 'help':
        os.write(master, b'?')
        result['help'] = read(rb'Keys')
        os.write(master, b'qq')
      else: os.kill(child, getattr(signal, way))
      end = time.monotonic() + 30
      status = None
      while status is None and time.monotonic() < end:
        if select.select([master], [], [], 0.02)[0]: seen += os.read(master, 65536)
        done, raw = os.waitpid(child, os.WNOHANG)
        if done: status = os.waitstatus_to_exitcode(raw)
      if status is None: os.kill(child, signal.SIGKILL)
      while select.select([master], [], [], 0.1)[0]: seen += os.read(master, 65536)
      result['status'] = status
      result['restored'] = termios.tcgetattr(slave) == before
      result['left'] = seen.rfind(b'\\x1b[?1049l') > seen.rfind(b'\\x1b[?1049h') >= 0
      print(json.dumps(result))
      """

    private func run(_ way: String, _ daemon: DaemonUnderTest, terminal: String = "xterm-256color") throws -> JSON {
      var environment = Environment.current
      environment["TERM"] = terminal
      environment["LC_ALL"] = "C.UTF-8"
      environment["DAEMON"] = "\(daemon.pid)"
      let result = try Child.run(
        ["python3", "-c", Self.terminal, way, Products.streamctl, "monitor", "--socket", daemon.socket],
        environment: environment, timeout: 120)
      return try JSON.parse(result.standardOutput)
    }

    @Test(arguments: ["q", "help", "SIGTERM", "SIGHUP", "SIGSEGV", "gone"])
    func theTerminalIsGivenBackHoweverItEnds(way: String) throws {
      let result = try run(way, try daemon())
      for key in ["header", "levels", "raw", "resized", "restored", "left"] {
        #expect(result[key] == true, "\(key) by \(way): \(result)")
      }
      #expect(result["status"]?.intValue == (way == "SIGSEGV" ? -SIGSEGV : 0).asInt, "\(result)")
      if way == "gone" { #expect(result["gone"] == true, "\(result)") }
      if way == "help" { #expect(result["help"] == true, "\(result)") }
    }

    @Test func anOldTerminalDoes() throws {
      let result = try run("q", try daemon(), terminal: "vt100")
      for key in ["header", "levels", "restored"] { #expect(result[key] == true, "\(key): \(result)") }
    }

    @Test func linesEndWithWhoReadsThem() throws {
      let daemon = try daemon()
      let run = { (topics: String) in
        try Child.run(
          [
            "bash", "-c", "set -o pipefail; \"$0\" monitor --json \"$1\" --rate 30 --socket \"$2\" | head -n 1",
            Products.streamctl, topics, daemon.socket,
          ], timeout: 20)
      }
      // One has something to write all the time, the other never.
      for topics in ["meters,health", "xrun"] {
        let result = try run(topics)
        #expect(result.status == 0, "\(topics): \(result)")
        #expect(try JSON.parse(Array(result.standardOutput.utf8.prefix { $0 != 0x0A }))["event"] != nil)
      }
      #expect(try daemon.streamctl(["monitor", "--json"]).status == 2)
      #expect(try daemon.streamctl(["monitor", "--json", "metres"]).status == 4)
      // No terminal, no screen.
      #expect(try daemon.streamctl(["monitor"]).status == 2)
    }

    /// The line says when the daemon goes, and takes up with the next one by itself.
    @Test func theBarSaysWhenTheDaemonIsGoneAndComesBack() throws {
      let daemon = try daemon()
      let bar = try Child([
        Products.streamctl, "watch", "--format", "waybar", "--rate", "10", "--socket", daemon.socket,
      ])
      defer { bar.stop() }
      let last = { try bar.standardOutput.split(separator: "\n").last.map { try JSON.parse(String($0)) } ?? .null }
      #expect(
        try waitUntil(timeout: 20) { try last()["text"]?.stringValue?.hasPrefix("no session") ?? false },
        "\(bar.standardOutput)")
      #expect(try last()["class"] == ["idle"])
      daemon.stop()
      #expect(try waitUntil(timeout: 20) { try last()["class"] == ["gone"] }, "\(bar.standardOutput)")
      let next = try Child([Products.streamd, "--socket", daemon.socket, "--remote", "/nonexistent/pipewire"])
      defer { next.stop() }
      #expect(
        try waitUntil(timeout: 30) { try last()["text"]?.stringValue?.hasPrefix("no session") ?? false },
        "\(bar.standardOutput)")
      // Only what is new is written.
      let lines = bar.standardOutput.split(separator: "\n")
      #expect(zip(lines, lines.dropFirst()).allSatisfy { $0 != $1 })
      #expect(try daemon.streamctl(["watch", "--format", "waybr"]).status == 2)
    }
  }
}

extension Int32 {
  fileprivate var asInt: Int { Int(self) }
}
