import AudioCore
import Control
import Testing

@testable import streamctl

/// Lines to the byte, as bars read them.
@Suite struct StatusLineTests {
  private var facts: StatusFacts {
    var facts = StatusFacts(status: MonitorRig.status)
    facts.hear(MonitorRig.meters)
    return facts
  }

  @Test func linesOfADaemonAtWork() {
    #expect(StatusLine.line(facts, .plain) == "2 sessions, mic live, -3 dB")
    #expect(
      StatusLine.line(facts, .waybar)
        == #"{"text":"2 sessions, mic live, -3 dB","tooltip":"streamd: ok\ns1 tv-room: live, 2 ch\n"#
        + #"s2 192.0.2.9:5004: silent, 6 ch, muted\nmicrophone: live, talkers: 1","class":["ok","mic-live"],"#
        + #""percentage":95}"#)
    #expect(
      StatusLine.line(facts, .i3blocks)
        == ##"{"full_text":"2 sessions, mic live, -3 dB","short_text":"2","color":"#a3be8c"}"##)
    #expect(
      StatusLine.line(facts, .jsonl)
        == #"{"state":"ok","problems":[],"sessions":["s1 tv-room: live, 2 ch","s2 192.0.2.9:5004: silent, 6 ch, muted"],"#
        + #""mic":"live","talkers":1,"peak_dbfs":-3.0}"#)
  }

  @Test func linesWithoutADaemon() {
    let gone = StatusFacts.gone("no daemon is running on /run/x")
    #expect(StatusLine.line(gone, .plain) == "streamd off")
    #expect(
      StatusLine.line(gone, .waybar)
        == #"{"text":"streamd off","tooltip":"streamd: no daemon is running on /run/x","class":["gone"],"percentage":0}"#
    )
    #expect(
      StatusLine.line(gone, .i3blocks) == ##"{"full_text":"streamd off","short_text":"off","color":"#888888"}"##)
    #expect(StatusLine.line(gone, .jsonl) == #"{"state":"gone","reason":"no daemon is running on /run/x"}"#)
  }

  @Test func namesCannotBreakALineOrMarkup() {
    var facts = facts
    facts.state = "degraded"
    facts.sessions = ["a <b>&\"c\"\nd\u{1B}"]
    facts.mic = "x\ny"
    facts.peak = .floor
    let waybar = StatusLine.line(facts, .waybar)
    #expect(waybar.contains(#"a &lt;b&gt;&amp;\"c\"\nd\u001b"#) && !waybar.contains("\n"))
    #expect(StatusLine.line(facts, .plain) == "degraded, 1 session, mic x y, silent")
    for format in StatusLine.Format.allCases {
      #expect(!StatusLine.line(facts, format).contains { $0.isNewline })
    }
    #expect(StatusLine.percentage(facts) == 0)
  }
}
