import AudioIO
import Testing

@testable import PipeWireIO

/// Which microphone is recorded, and what never is.
@Suite struct CaptureChoiceTests {
  private static let own: UInt32 = 30

  /// Two microphones, a sink with its monitor, and a microphone of ours that is the default.
  private func graph(default name: String?) -> GraphMirror {
    var builder = GraphBuilder()
    builder.sink(10, "speakers", priority: 5000)
    builder.node(20, "built-in", "Audio/Source", priority: 1000)
    builder.node(21, "headset", "Audio/Source", priority: 2000)
    builder.node(Self.own, "remote", "Audio/Source", priority: 9000, application: OwnDevice.application)
    builder.node(40, "player", "Stream/Output/Audio")
    builder.graph[.source].effective = name
    return builder.graph
  }

  private func name(_ result: Result<GraphMirror.Node, BackendError>) -> String? { try? result.get().name }

  @Test(arguments: [("built-in", "built-in"), ("headset", "headset"), (nil, "headset")])
  func theDefaultElseTheBest(default effective: String?, expected: String) {
    #expect(name(CaptureChoice.source(in: graph(default: effective), wanted: nil, current: nil)) == expected)
  }

  /// Our own microphone, a monitor that stands in for one, and what is none.
  @Test(arguments: ["remote", "speakers", "player", "nothing"]) func whatIsNoMicrophoneIsNoDefault(effective: String) {
    #expect(name(CaptureChoice.source(in: graph(default: effective), wanted: nil, current: nil)) == "headset")
    // What is recorded stays while there is no better choice.
    #expect(name(CaptureChoice.source(in: graph(default: effective), wanted: nil, current: "built-in")) == "built-in")
  }

  /// Who only listens may name ours; it is nobody's default all the same.
  @Test func oursIsHeardByName() {
    let graph = graph(default: "remote")
    func choice(_ wanted: String?, hearsOwn: Bool) -> String? {
      name(CaptureChoice.source(in: graph, wanted: wanted, current: nil, hearsOwn: hearsOwn))
    }
    #expect(choice("remote", hearsOwn: true) == "remote")
    #expect(choice("remote", hearsOwn: false) == nil)
    #expect(choice(nil, hearsOwn: true) == "headset")
    #expect(choice("speakers", hearsOwn: true) == nil)
  }

  /// Recording a headset turns its music into telephony: only who names it gets it.
  @Test func aBluetoothMicrophoneIsNeverTakenUnasked() {
    var graph = graph(default: "bluez_input.AA_BB")
    graph.add(
      GraphMirror.Node(
        id: 50, name: "bluez_input.AA_BB", description: "", mediaClass: "Audio/Source", priority: 9999))
    func code(_ result: Result<GraphMirror.Node, BackendError>) -> BackendError.Code? {
      if case .failure(let error) = result { error.code } else { nil }
    }
    #expect(code(CaptureChoice.source(in: graph, wanted: nil, current: nil)) == .sourceHeldBack)
    #expect(name(CaptureChoice.source(in: graph, wanted: "bluez_input.AA_BB", current: nil)) == "bluez_input.AA_BB")
    graph[.source].effective = nil
    #expect(name(CaptureChoice.source(in: graph, wanted: nil, current: nil)) == "headset")
    for id in [20, 21] as [UInt32] { graph.remove(id) }
    #expect(code(CaptureChoice.source(in: graph, wanted: nil, current: nil)) == .sourceHeldBack)
    // One that its card gives away, whatever it is named.
    graph.remove(50)
    graph.addDevice(60, driver: "bluez5")
    graph.add(
      GraphMirror.Node(
        id: 51, name: "my-headset", description: "", mediaClass: "Audio/Source", priority: 1, device: 60))
    #expect(code(CaptureChoice.source(in: graph, wanted: nil, current: nil)) == .sourceHeldBack)
  }

  @Test func aNameIsThatOneOrNone() {
    let graph = graph(default: "headset")
    #expect(name(CaptureChoice.source(in: graph, wanted: "built-in", current: "headset")) == "built-in")
    for (wanted, code, words) in [
      ("nothing", BackendError.Code.sourceNotFound, "built-in"), ("speakers", .notASource, "Audio/Sink"),
      ("remote", .notASource, "streamd's own"),
    ] {
      guard case .failure(let error) = CaptureChoice.source(in: graph, wanted: wanted, current: nil) else {
        Issue.record("\(wanted) was taken")
        continue
      }
      #expect(error.code == code && error.description.contains(words), "\(error)")
    }
  }

  @Test func nothingButOursIsNothing() {
    var builder = GraphBuilder()
    builder.sink(10, "speakers")
    builder.node(Self.own, "remote", "Audio/Source", application: OwnDevice.application)
    builder.graph[.source].effective = "remote"
    guard case .failure(let error) = CaptureChoice.source(in: builder.graph, wanted: nil, current: nil) else {
      Issue.record("something was taken")
      return
    }
    #expect(error.code == .noSource && error.recovery == .waitForDevice)
  }

  /// The gate opens for links from the chosen microphone alone.
  @Test func onlyItsOwnLinksCount() {
    var builder = GraphBuilder()
    builder.microphone(20, "built-in")
    builder.microphone(21, "headset")
    builder.sink(10, "speakers")
    builder.node(50, "streamctl.mic", "Stream/Input/Audio")
    let input = builder.port(50, "MONO", output: false, monitor: false, index: 0)
    func isLinked() -> Bool { CaptureChoice.isLinked(in: builder.graph, node: 50, to: 20) }
    func ports(_ node: UInt32) -> [UInt32] { builder.graph.ports(of: node).filter(\.isOutput).map(\.id) }
    #expect(!isLinked())
    builder.link(ports(20)[0], input)
    #expect(isLinked())
    for stranger in [ports(21)[0], ports(10)[0]] {
      let link = builder.link(stranger, input)
      #expect(!isLinked())
      builder.graph.remove(link)
    }
    #expect(isLinked())
  }

  /// A virtual source has its sound come out of ports that are called monitors; a duplex device's monitors are what it plays.
  @Test(arguments: [("Audio/Source/Virtual", true), ("Audio/Duplex", false), ("Audio/Source", false)])
  func monitorsOfAVirtualSourceAreItsSound(mediaClass: String, isTheSound: Bool) {
    var builder = GraphBuilder()
    builder.node(20, "filtered", mediaClass)
    builder.node(50, "streamctl.mic", "Stream/Input/Audio")
    let output = builder.port(20, "FL", output: true, monitor: true, index: 0)
    builder.link(output, builder.port(50, "MONO", output: false, monitor: false, index: 0))
    #expect(CaptureChoice.isLinked(in: builder.graph, node: 50, to: 20) == isTheSound)
  }
}
