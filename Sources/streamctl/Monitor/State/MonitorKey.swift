/// A key as the monitor understands it.
enum MonitorKey: Hashable {
  case character(Character)
  case up, down, left, right, pageUp, pageDown, home, end, tab, backTab, enter, escape, redraw, resized
}

/// What a key leads to beside what it changes in the state.
enum MonitorAction: Equatable {
  case nothing
  case quit
  /// Everything is drawn anew.
  case redraw
  /// An operation of the daemon, and what to say when it is done.
  case request(MonitorRequest)
}
