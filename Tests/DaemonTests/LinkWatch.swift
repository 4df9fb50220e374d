import TestSupport

/// Sees every link that is made or goes in a server's graph, from its first moment on, however short it lives.
final class LinkWatch {
  private let monitor: Child

  init(_ server: PrivatePipeWire) throws {
    monitor = try server.start(["pw-link", "-m", "-l", "-o", "-i"])
    // It lists what is there before it reports changes.
    guard waitUntil(timeout: 10, { [monitor] in !monitor.standardOutput.isEmpty }) else {
      throw SupportError("pw-link reports nothing: \(monitor.standardError)")
    }
  }

  deinit { monitor.stop() }

  private var events: [(made: Bool, link: PortLink)] {
    monitor.standardOutput.split(separator: "\n").compactMap { line in
      guard let sign = line.first, sign == "+" || sign == "-", let arrow = line.firstRange(of: " -> ") else {
        return nil
      }
      let output = line[..<arrow.lowerBound].dropFirst().drop { $0 == " " }
      return (sign == "+", PortLink(output: String(output), input: String(line[arrow.upperBound...])))
    }
  }

  /// Every link into a node of the daemon that ever was.
  var intoDaemon: [PortLink] { events.filter { $0.made && $0.link.input.hasPrefix("streamd") }.map(\.link) }

  /// Those of them that come from anything but a sink's monitor or what played into a sink at that time.
  var forbidden: [PortLink] {
    var playing: [String: Int] = [:]
    var found: [PortLink] = []
    for event in events {
      let (output, input) = (event.link.output, event.link.input)
      if input.contains(":playback_") { playing[output, default: 0] += event.made ? 1 : -1 }
      guard event.made, input.hasPrefix("streamd") else { continue }
      let isMonitor = output.contains(":monitor_") && !output.hasPrefix("streamd")
      if !isMonitor && playing[output, default: 0] <= 0 { found.append(event.link) }
    }
    return found
  }

  /// Links of one kind that were made and are still there.
  func standing(from output: String) -> Int {
    events.filter { $0.link.output == output && $0.link.input.hasPrefix("streamd") }.reduce(0) {
      $0 + ($1.made ? 1 : -1)
    }
  }
}
