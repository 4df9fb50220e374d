internal import CLinux
internal import Glibc

/// The kernel objects a loop sleeps on: epoll with an eventfd for wakes and a timerfd for the next deadline.
struct Poller: ~Copyable, Sendable {
  struct Event {
    let tag: UInt64
    let readiness: Readiness
  }

  private let epoll: Descriptor
  private let wakeCounter: Descriptor
  private let alarm: Descriptor

  /// Tags of the poller's own descriptors; `wait` handles them itself.
  private static let wakeTag = UInt64.max
  private static let alarmTag = UInt64.max - 1

  static func open() throws(SystemError) -> Poller {
    let epoll = try Descriptor(opened: epoll_create1(Int32(EPOLL_CLOEXEC)), by: "epoll_create1")
    let counter = try Descriptor(opened: eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)), by: "eventfd")
    let alarm = try Descriptor(
      opened: timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK)), by: "timerfd_create")
    let poller = Poller(epoll: epoll, wakeCounter: counter, alarm: alarm)
    try poller.control(EPOLL_CTL_ADD, poller.wakeCounter.number, .read, tag: Self.wakeTag)
    try poller.control(EPOLL_CTL_ADD, poller.alarm.number, .read, tag: Self.alarmTag)
    return poller
  }

  private init(epoll: consuming Descriptor, wakeCounter: consuming Descriptor, alarm: consuming Descriptor) {
    self.epoll = epoll
    self.wakeCounter = wakeCounter
    self.alarm = alarm
  }

  /// Thread: any.
  func wake() {
    _ = eventfd_write(wakeCounter.number, 1)
  }

  /// Nil disarms.
  func setAlarm(_ deadline: Monotonic?) {
    var setting = itimerspec()
    if let deadline {
      let nanoseconds = max(1, deadline.nanoseconds)
      setting.it_value = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
    unsafe _ = timerfd_settime(alarm.number, Int32(TFD_TIMER_ABSTIME), &setting, nil)
  }

  func add(_ descriptor: Int32, _ interest: Readiness, tag: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_ADD, descriptor, interest, tag: tag)
  }

  func modify(_ descriptor: Int32, _ interest: Readiness, tag: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_MOD, descriptor, interest, tag: tag)
  }

  func remove(_ descriptor: Int32) {
    var event = unsafe epoll_event()
    unsafe _ = epoll_ctl(epoll.number, EPOLL_CTL_DEL, descriptor, &event)
  }

  private func control(_ action: Int32, _ descriptor: Int32, _ interest: Readiness, tag: UInt64) throws(SystemError) {
    var event = unsafe epoll_event()
    if interest.contains(.read) { unsafe event.events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
    if interest.contains(.write) { unsafe event.events |= EPOLLOUT.rawValue }
    unsafe event.data.u64 = tag
    guard unsafe epoll_ctl(epoll.number, action, descriptor, &event) == 0 else { throw SystemError("epoll_ctl") }
  }

  /// Sleeps until something happens, or just looks when `sleeping` is false. At most 64 events, so that one turn of the
  /// loop is bounded.
  func wait(sleeping: Bool) -> [Event] {
    let raw = unsafe [epoll_event](unsafeUninitializedCapacity: 64) { buffer, count in
      count = max(0, Int(unsafe epoll_wait(epoll.number, buffer.baseAddress, 64, sleeping ? -1 : 0)))
    }
    var events: [Event] = []
    for place in 0..<(unsafe raw.count) {
      let event = unsafe raw[place]
      switch unsafe event.data.u64 {
      case Self.wakeTag: drainCounter(wakeCounter.number)
      case Self.alarmTag: drainCounter(alarm.number)
      case let tag: events.append(Event(tag: tag, readiness: unsafe Readiness(epoll: event.events)))
      }
    }
    return events
  }

  private func drainCounter(_ descriptor: Int32) {
    var value: UInt64 = 0
    unsafe _ = read(descriptor, &value, 8)
  }
}

/// What a descriptor is watched for, and what it turned out to be ready for.
public struct Readiness: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let read = Readiness(rawValue: 1)
  public static let write = Readiness(rawValue: 2)
  /// The peer has closed or the descriptor failed; reported unasked.
  public static let hangup = Readiness(rawValue: 4)

  init(epoll events: UInt32) {
    var readiness: Readiness = []
    if events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0 { readiness.insert(.read) }
    if events & EPOLLOUT.rawValue != 0 { readiness.insert(.write) }
    if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readiness.insert(.hangup) }
    self = readiness
  }
}
