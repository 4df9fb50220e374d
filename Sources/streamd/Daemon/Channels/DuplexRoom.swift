import AudioCore
import AudioIO
import Control
import Settings
import Wiring

/// The daemon's duplex channels under control of the socket: what they are to be, how they fare, how loud they are, and
/// whether each is heard.
@ControlActor
final class DuplexRoom {
  /// As it was asked for.
  private(set) var settings: Settings.Channels
  private var channels: [Int: DuplexChannel] = [:]
  /// What each was told, kept for a channel that is made anew.
  private var switches: [Int: (mute: Bool, gateOpen: Bool)] = [:]
  private var store: ChannelStore
  private var troubles = ChannelTroubles()
  /// Channels that could not be made, and why.
  private var refused: [Int: String] = [:]
  /// What is wrong with the files.
  private var complaints: [String] = []
  private let devices: DeviceRoom
  private let backends: SoundSystems
  private let bus: EventBus
  private let tell: @ControlActor (_ text: String, _ isTrouble: Bool) -> Void
  private let startedAt = renderNow()
  private var timer: LoopTimer?
  private var lastStates: [Int: String] = [:]

  init(
    settings: Settings.Channels, devices: DeviceRoom, backends: SoundSystems, bus: EventBus,
    file: OverlayFile? = .standard("channels.json"),
    tell: @escaping @ControlActor (_ text: String, _ isTrouble: Bool) -> Void
  ) {
    self.settings = settings
    store = ChannelStore(settings, file: file)
    self.devices = devices
    self.backends = backends
    self.bus = bus
    self.tell = tell
    bus.declare("channels", .state, summary: "every duplex channel with its devices, when something about it changes") {
      [unowned self] in status()
    }
    devices.changed.append { [weak self] _ in self?.followDevices() }
  }

  var uptime: HostDuration { renderNow() - startedAt }
  /// By their numbers.
  var running: [(number: Int, channel: DuplexChannel)] {
    channels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  // MARK: Configuration

  /// Makes the configured channels. What is wrong with a file costs only what it says.
  func start() {
    complain(store.read())
    if store.saved != nil {
      tell("channels: as they were saved; streamctl channels reset goes back to the files", false)
    }
    apply(store.next)
  }

  /// Takes in a configuration: what it leaves out stays. One that is wrong changes nothing. It holds until the daemon ends,
  /// or for good if it is saved.
  func configure(_ json: JSON, save: Bool) throws(ControlError) {
    let next = try ChannelDocument.read(json, onto: settings)
    attach(next)
    apply(next)
    if save { try store.save(next) }
  }

  /// Goes back to what the files say, and takes back what was saved.
  func reset() throws(ControlError) {
    complain(try store.forget())
    attach(store.next)
    apply(store.next)
  }

  /// `files`, `saved` or `changed`.
  var origin: String { store.origin(of: settings) }

  private func complain(_ found: [String]) {
    complaints = found
    for text in found { tell("channels: \(text)", true) }
  }

  private func attach(_ next: Settings.Channels) {
    for words in next.logical.values.flatMap({ [$0.input, $0.output] }) {
      for system in devices.live.systems where words.hasPrefix(system + ":") { devices.live.attach(system) }
    }
  }

  /// Goes over to other settings: a channel of which nothing changes is left alone.
  func apply(_ next: Settings.Channels) {
    settings = next
    refused = refused.filter { next.logical[$0.key] != nil }
    for (number, channel) in channels where next.logical[number] == nil {
      channel.end()
      channels[number] = nil
      switches[number] = nil
      tell("channel \(number): ended", false)
    }
    for (number, _) in next.logical.sorted(by: { $0.key < $1.key }) { make(number) }
    publish()
    attendSoon()
  }

  private func make(_ number: Int) {
    guard let plan = plan(number) else { return }
    do {
      if let channel = channels[number], channel.canBecome(plan) {
        guard plan != channel.plan else { return }
        try channel.become(plan)
        try channel.follow()
        refused[number] = nil
        return
      }
      channels.removeValue(forKey: number)?.end()
      let channel = try DuplexChannel(
        plan, devices: devices.live, backend: { [backends] name throws(BackendError) in try backends.backend(name) },
        attention: { [weak self] in EventLoop.shared.post { self?.attend(number) } })
      if let (mute, gateOpen) = switches[number] { channel.set(mute: mute, gateOpen: gateOpen) }
      channels[number] = channel
      try channel.start()
      refused[number] = nil
    } catch {
      refused[number] = "\(error)"
      tell("channel \(number): \(error)", true)
    }
  }

  private func plan(_ number: Int) -> DuplexPlan? {
    guard let channel = settings.logical[number], let layout = ChannelLayout(channels: settings.count) else {
      return nil
    }
    let words = named(channel.output)
    let system = DeviceRegistry.systemNames.first { words == $0 || words.hasPrefix($0 + ":") } ?? "pipewire"
    // An identity is the words; what stands behind a sound system's name is a name there.
    let isIdentity = DeviceIdentity.isWritten(words)
    let rest = words.hasPrefix(system) && !isIdentity ? String(words.dropFirst(system.count + 1)) : words
    var output = GraphDevice(
      system: system, name: ["", "default"].contains(rest) ? nil : rest,
      format: StreamFormat(rate: SampleRate(hertz: settings.sampleRate), layout: layout),
      period: FrameCount(settings.blockSize))
    output.face.name = "streamd.channel-\(number)"
    output.face.description = channel.name.isEmpty ? "Channel \(number)" : channel.name
    let processing = settings.processing(of: channel)
    return DuplexPlan(
      number: number, input: named(channel.input), output: output, compressor: Self.values(processing.compressor),
      limiter: Self.values(processing.limiter), bits: settings.format.ditherBits)
  }

  /// A number means a device for good: the identity that it stands for.
  private func named(_ words: String) -> String {
    guard words.hasPrefix("#"), let number = Int(words.dropFirst()) else { return words }
    return devices.registry.numbers[number]?.text ?? words
  }

  private static func values(_ compressor: Settings.Channels.Compressor) -> DuplexPlan.Values? {
    [
      // Without it, nothing is compressed: the node stays, so that it comes back without a break.
      "ratio": compressor.isEnabled ? compressor.ratio : 1, "threshold": compressor.threshold,
      "attack": compressor.attack, "release": compressor.release, "knee": compressor.knee,
      "make_up": compressor.isEnabled ? compressor.makeUp : 0,
    ]
  }

  private static func values(_ limiter: Settings.Channels.Limiter) -> DuplexPlan.Values? {
    guard limiter.isEnabled else { return nil }
    return [
      "ceiling": limiter.ceiling, "margin": 0, "hold": limiter.hold, "release": limiter.release,
      "slow_release": limiter.release,
    ]
  }

  // MARK: Push to talk

  /// Says whether a channel is heard: muted, or with its gate shut, it is silent. What is left out stays.
  func set(_ number: Int, mute: Bool? = nil, gateOpen: Bool? = nil) throws(ControlError) {
    let channel = try channel(number)
    let next = (mute: mute ?? channel.isMuted, gateOpen: gateOpen ?? channel.isGateOpen)
    guard next != (channel.isMuted, channel.isGateOpen) else { return }
    channel.set(mute: next.mute, gateOpen: next.gateOpen)
    switches[number] = next
    attendSoon()
    publish()
  }

  /// Channels are told apart by numbers.
  func number(_ name: String) throws(ControlError) -> Int {
    if let number = Int(name) { return number }
    throw ControlError(.badArgs, "\"\(name)\" is no channel's number", path: "channel", hint: "such as 1")
  }

  func channel(_ number: Int) throws(ControlError) -> DuplexChannel {
    if let channel = channels[number] { return channel }
    let known = channels.keys.sorted().map { "\($0)" }.joined(separator: ", ")
    throw ControlError(
      .notFound, "there is no channel \(number)", path: "channel",
      hint: known.isEmpty ? "no channel is configured" : "channels: \(known)", detail: "unknown_channel")
  }

  /// The devices of a channel as they are now.
  func inputDevice(_ number: Int) -> Device? {
    channels[number].flatMap { device($0.plan.input, DeviceScope(.input)) }
  }

  func outputDevice(_ number: Int) -> Device? {
    channels[number].flatMap {
      device($0.plan.output.name ?? "default", DeviceScope(.output, system: $0.plan.output.system))
    }
  }

  private func device(_ words: String, _ scope: DeviceScope) -> Device? { try? devices.registry.find(words, scope) }

  // MARK: What is said

  func status() -> JSON { ChannelReport.status(self) }
  func vu() -> JSON { ChannelReport.vu(self) }
  var configuration: JSON { ChannelDocument.json(settings) }
  /// Of those that have lasted.
  var problems: [JSON] { troubles.report(at: renderNow()) }

  private func notice(at now: HostTime) {
    var found: [String: ChannelTroubles.Trouble] = [:]
    if let complaint = complaints.first { found["channels"] = ChannelTroubles.Trouble("configuration", complaint) }
    for (number, channel) in channels {
      let input = settings.logical[number]?.input ?? ""
      found["channel:\(number)"] = ChannelTroubles.Trouble(channel.facts(at: now), input: input)
    }
    for (number, reason) in refused { found["channel:\(number)"] = ChannelTroubles.Trouble("refused", reason) }
    troubles.update(found, at: now)
  }

  /// A channel by channel, where something has changed.
  private func publish() {
    for (number, channel) in running {
      let line = ChannelReport.line(channel)
      guard lastStates.updateValue(line.text, forKey: number) != line.text else { continue }
      tell("channel \(number): \(line.text)", line.isTrouble)
    }
    lastStates = lastStates.filter { channels[$0.key] != nil }
    bus.publish("channels", status())
  }

  // MARK: Time

  private func attend(_ number: Int) {
    if channels[number]?.attend() == true { publish() }
  }

  /// Devices have come or gone: numbers may have got their devices, and devices other names.
  private func followDevices() {
    for (number, channel) in running {
      if let plan = plan(number), plan != channel.plan { make(number) }
      do { try channels[number]?.follow() } catch { tell("channel \(number): \(error)", true) }
    }
    if !channels.isEmpty { publish() }
  }

  private func attendSoon() {
    guard timer == nil else { return }
    timer = EventLoop.shared.schedule(after: .milliseconds(5), every: .milliseconds(5)) { [unowned self] in
      service()
      guard channels.values.allSatisfy(\.isSettled), let timer else { return }
      EventLoop.shared.cancel(timer)
      self.timer = nil
    }
  }

  private func service() {
    for (number, channel) in channels {
      for trouble in channel.service(at: renderNow()) { tell("channel \(number): \(trouble)", true) }
    }
  }

  /// Every half second.
  func tick() {
    service()
    notice(at: renderNow())
  }

  func shutdown() {
    timer.map(EventLoop.shared.cancel)
    timer = nil
    for channel in channels.values { channel.end() }
    channels = [:]
  }
}
