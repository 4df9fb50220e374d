public import AudioCore

/// How a sink's sound is captured.
public enum CaptureMode: String, Sendable, CaseIterable {
  /// From the sink's monitor: everything, one graph cycle late.
  case monitor
  /// Beside the sink, from what plays into it: in the same cycle, except what cannot be linked.
  case streams
  /// `streams` as long as it misses nothing, else `monitor`.
  case auto
}

/// Decides which capture of a sink is heard. Pure: facts and time in, actions out.
///
/// The capture beside the sink stays open in `auto` also while the monitor is heard, because it alone knows when nothing
/// is missed any more. Going back waits until that has held for a while, longer each time it did not last.
public struct CaptureModePolicy: Sendable {
  public enum Path: String, Sendable { case monitor, streams }

  /// Why a path was chosen, for people and logs.
  public enum Reason: Sendable, Equatable, CustomStringConvertible {
    case configured
    /// These play into the sink and cannot be linked.
    case unheard([UnheardSource])
    /// The capture beside the sink does not run.
    case notRunning(BackendError)
    /// Nothing has been missed for long enough.
    case nothingMissed

    public var description: String {
      switch self {
      case .configured: "configured"
      case .unheard(let sources): "cannot be linked: " + sources.map(\.description).joined(separator: ", ")
      case .notRunning(let error): error.description
      case .nothingMissed: "everything can be linked"
      }
    }
  }

  public enum Action: Sendable, Equatable {
    case open(Path)
    case close(Path)
    /// Both run: fade from the one that is heard to this one, then tell `faded`.
    case crossfade(to: Path, because: Reason)
    /// Call `tick` then, unless another call comes first.
    case wake(at: HostTime)
  }

  public let mode: CaptureMode
  /// What is heard; during a fade already its goal. Nil until something runs.
  public private(set) var heard: Path?
  public private(set) var reason = Reason.configured
  public private(set) var fallbacks: UInt64 = 0

  /// How long nothing may be missed before the monitor is left.
  public let calm: HostDuration
  public let longestCalm: HostDuration
  /// How long a capture beside the sink may take to run before the monitor stands in for it.
  public let patience: HostDuration

  private var isOpen: Set<Path> = []
  private var states: [Path: StreamState] = [:]
  private var unheard: [UnheardSource] = []
  private var isFading = false
  private var troubledSince: HostTime?
  private var calmSince: HostTime?
  private var currentCalm: HostDuration
  private var leftMonitorAt: HostTime?

  public init(
    mode: CaptureMode, calm: HostDuration = .seconds(3), longestCalm: HostDuration = .seconds(60),
    patience: HostDuration = .milliseconds(500)
  ) {
    self.mode = mode
    self.calm = calm
    self.longestCalm = longestCalm
    self.patience = patience
    currentCalm = calm
  }

  public mutating func start(at now: HostTime) -> [Action] {
    let first: Path = mode == .monitor ? .monitor : .streams
    isOpen = [first]
    return [.open(first)] + decide(at: now)
  }

  /// An open path has changed its state.
  public mutating func changed(_ path: Path, to state: StreamState, at now: HostTime) -> [Action] {
    guard isOpen.contains(path) else { return [] }
    states[path] = state
    return decide(at: now)
  }

  /// What the capture beside the sink cannot hear now: the whole list.
  public mutating func changed(unheard list: [UnheardSource], at now: HostTime) -> [Action] {
    unheard = list
    return decide(at: now)
  }

  /// The fade that was asked for is over.
  public mutating func faded(at now: HostTime) -> [Action] {
    isFading = false
    return decide(at: now)
  }

  public mutating func tick(at now: HostTime) -> [Action] { decide(at: now) }

  // MARK: Law

  private mutating func decide(at now: HostTime) -> [Action] {
    guard !isFading else { return [] }
    guard mode == .auto else {
      let only: Path = mode == .monitor ? .monitor : .streams
      return heard == nil && isRunning(only) ? hear(only, .configured) : []
    }
    guard let trouble else { return decideCalm(at: now) }
    calmSince = nil
    if heard == .monitor {
      reason = trouble
      return []
    }
    // A source that is missed is missed now; a capture that merely starts may have its time.
    let since = troubledSince ?? now
    troubledSince = since
    if case .notRunning = trouble, now - since < patience { return [.wake(at: since + patience)] }
    guard isOpen.contains(.monitor) else {
      isOpen.insert(.monitor)
      reason = trouble
      return [.open(.monitor)]
    }
    guard isRunning(.monitor) else { return [] }
    noteFallback(at: now)
    return hear(.monitor, trouble)
  }

  private mutating func decideCalm(at now: HostTime) -> [Action] {
    troubledSince = nil
    switch heard {
    case nil: return hear(.streams, .configured) + closeMonitor()
    case .streams: return closeMonitor()
    case .monitor:
      let since = calmSince ?? now
      calmSince = since
      guard now - since >= currentCalm else { return [.wake(at: since + currentCalm)] }
      leftMonitorAt = now
      return hear(.streams, .nothingMissed)
    }
  }

  /// Falling back soon after having come back shows that the calm was too short.
  private mutating func noteFallback(at now: HostTime) {
    fallbacks += 1
    if let leftMonitorAt {
      currentCalm = now - leftMonitorAt < longestCalm ? min(currentCalm * 2, longestCalm) : calm
    }
  }

  private var trouble: Reason? {
    if !isRunning(.streams) {
      if case .waiting(let error) = states[.streams] { return .notRunning(error) }
      return .notRunning(BackendError(.starting, "the capture beside the sink is starting"))
    }
    return unheard.isEmpty ? nil : .unheard(unheard)
  }

  private func isRunning(_ path: Path) -> Bool {
    guard isOpen.contains(path), case .running = states[path] else { return false }
    return true
  }

  private mutating func hear(_ path: Path, _ why: Reason) -> [Action] {
    let before = heard
    heard = path
    reason = why
    // Nothing was heard before: nothing fades, and nobody will tell when it is over.
    isFading = before != nil
    return [.crossfade(to: path, because: why)]
  }

  private mutating func closeMonitor() -> [Action] {
    guard isOpen.remove(.monitor) != nil else { return [] }
    states[.monitor] = nil
    return [.close(.monitor)]
  }
}
