import Testing
import Wording

@testable import Policy

@Suite struct RoutingTests {
  private static let firefox = AppLabels([
    .processBinary: "firefox-bin", .applicationName: "Firefox", .mediaRole: "Music", .nodeName: "Firefox",
  ])

  @Test func orInsideAFieldAndAcrossThem() {
    let either = LabelMatch(texts: [.processBinary: ["mpv", "firefox-*"]])
    #expect(either.matches(Self.firefox))
    let both = LabelMatch(texts: [.processBinary: ["mpv", "firefox-*"], .mediaRole: ["Movie"]])
    #expect(!both.matches(Self.firefox))
    #expect(LabelMatch(texts: [.processBinary: ["firefox*"], .mediaRole: ["movie", "music"]]).matches(Self.firefox))
    #expect(LabelMatch.everything.matches(Self.firefox))
    #expect(LabelMatch.everything.matches(AppLabels()))
    #expect(!LabelMatch(texts: [.flatpakID: ["*"]]).matches(Self.firefox))
  }

  @Test func parentsAreAList() {
    var labels = AppLabels([.processBinary: "electron"])
    labels[.parent] = ["discord", "bash", "systemd"]
    #expect(LabelMatch(texts: [.parent: ["Discord"]]).matches(labels))
    #expect(LabelMatch(texts: [.parent: ["sys*"], .processBinary: ["electron"]]).matches(labels))
    #expect(!LabelMatch(texts: [.parent: ["steam"]]).matches(labels))
    labels[.parent] = []
    #expect(labels[.parent].isEmpty)
  }

  @Test func longValuesAreCut() {
    var labels = AppLabels()
    labels[.mediaName] = [String(repeating: "ä", count: 100_000)]
    #expect(labels[.mediaName][0].utf8.count <= AppLabels.longestValue)
    labels[.parent] = (0..<1000).map { "p\($0)" }
    #expect(labels[.parent].count == AppLabels.mostValues)
  }

  @Test func matchingAgreesWithTheDefinition() throws {
    var random = Dice(seed: 7)
    let fields: [LabelField] = [.processBinary, .applicationName, .mediaRole]
    var fitting = 0
    for _ in 0..<4000 {
      var labels = AppLabels()
      var texts: [LabelField: [String]] = [:]
      for field in fields {
        if random.flip(0.8) { labels[field] = [random.text(of: "aB", lengths: 1...2)] }
        if random.flip(0.6) {
          texts[field] = (0..<Int.random(in: 0...3, using: &random)).map { _ in random.text(of: "Ab*", lengths: 1...2) }
        }
      }
      // Each field that has patterns has one that fits the value there is.
      let expected = texts.allSatisfy { field, patterns in
        patterns.isEmpty
          || labels[field].contains { value in
            patterns.contains { Self.fits(Array($0.lowercased()), value.lowercased()) }
          }
      }
      #expect(LabelMatch(texts: texts).matches(labels) == expected, "\(texts) \(labels)")
      if expected { fitting += 1 }
    }
    #expect((500...3500).contains(fitting))
  }

  /// For patterns of at most two letters, by cases.
  private static func fits(_ pattern: [Character], _ name: String) -> Bool {
    switch pattern {
    case ["*"], ["*", "*"]: true
    case let p where p.count == 2 && p[0] == "*": name.last == p[1]
    case let p where p.count == 2 && p[1] == "*": name.first == p[0]
    default: name == String(pattern)
    }
  }

  @Test func theOrderOfWhatDecides() {
    var routing = Routing(
      rules: [
        RouteRule(LabelMatch(texts: [.processBinary: ["mpv"]]), .bypass),
        RouteRule(LabelMatch(texts: [.processBinary: ["firefox*"]]), .bus("web")),
        RouteRule(LabelMatch(texts: [.applicationName: ["firefox"]]), .exclude),
      ], defaultRoute: .processed, buses: ["web"])
    #expect(routing.decide(Self.firefox) == RouteDecision(.bus("web"), .rule(1, nil)))
    #expect(routing.decide(AppLabels()) == RouteDecision(.processed, .defaultRoute))
    routing.overrides = [RouteOverride(Glob("firefox")!, .exclude), RouteOverride(Glob("FIREFOX-BIN")!, .processed)]
    #expect(routing.decide(Self.firefox) == RouteDecision(.processed, .override("FIREFOX-BIN")))
    routing.streams = [7: .bypass]
    #expect(routing.decide(Self.firefox, stream: 7) == RouteDecision(.bypass, .stream))
    #expect(routing.decide(Self.firefox, stream: 8).route == .processed)
    routing.isBypassed = true
    #expect(routing.decide(Self.firefox, stream: 8) == RouteDecision(.bypass, .bypassSwitch))
    routing.overrides = [RouteOverride(Glob("firefox")!, .exclude)]
    #expect(routing.decide(Self.firefox, stream: 8) == RouteDecision(.exclude, .override("firefox")))
  }

  @Test func aBusThatIsNotThereIsPassedOver() {
    var routing = Routing(defaultRoute: .bypass, overrides: [RouteOverride(Glob("firefox")!, .bus("gone"))])
    let decision = routing.decide(Self.firefox)
    #expect(decision.route == .bypass && decision.reason == .defaultRoute)
    #expect(decision.note?.contains("gone") == true)
    routing.buses = ["gone"]
    #expect(routing.decide(Self.firefox).route == .bus("gone"))
  }

  @Test(arguments: LabelField.identities) func anOverrideFitsWhicheverLabelThereIs(_ field: LabelField) throws {
    var overlay = Overlay()
    try overlay.setRoute(app: "OBS Studio", .bypass)
    let routing = Effective(BuiltInProfile.profile, overlay).routing()
    #expect(routing.decide(AppLabels([field: "obs studio"])).route == .bypass)
    #expect(routing.decide(AppLabels([field: "obs"])).route == .processed)
  }

  @Test func routesAreSpelt() {
    for text in ["processed", "bypass", "exclude", "bus:game-2_x"] { #expect(Route(text)?.description == text) }
    for text in ["", "bus:", "bus:a b", "Processed", "bus:" + String(repeating: "a", count: 33)] {
      #expect(Route(text) == nil)
    }
  }

  @Test func streamsOfOneApplicationShareAMemory() {
    let first = AppLabels([.processBinary: "Spotify", .mediaName: "a song", .nodeName: "spotify"])
    let second = AppLabels([.processBinary: "spotify", .mediaName: "another"])
    #expect(first.memoryKey == second.memoryKey)
    #expect(first.memoryKey != Self.firefox.memoryKey)
  }
}
