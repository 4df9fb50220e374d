#!/usr/bin/env python3
"""Looks at streamd's page with a browser: what moves, what can be turned, what a reader of screens is told, and what it
does when the daemon goes away. Prints how long after a hand's move the sound was another.

  page.py CHROMIUM STREAMD STREAMCTL PORT [--pictures FOLDER]

Runs the daemon itself, beside a sound server that is there. Exits 1 with a reason if something is not as it must be.
"""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from accessibility import findings  # noqa: E402
from devtools import Browser  # noqa: E402
from levels import Levels  # noqa: E402

chromium, streamd, streamctl, port = sys.argv[1:5]
pictures = pathlib.Path(sys.argv[6]) if len(sys.argv) > 6 else None
place = tempfile.TemporaryDirectory(prefix="streamd-page-")
home = pathlib.Path(place.name)
socket = str(home / "control.sock")
environment = dict(os.environ, XDG_CONFIG_HOME=place.name, XDG_STATE_HOME=place.name, STREAMD_SOCKET=socket)
(home / "streamd").mkdir()
(home / "streamd/config.toml").write_text(f'[http]\nlisten = "127.0.0.1:{port}"\n[ptt]\ntargets = "mic"\n')
children = []


def start(*words):
    child = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    children.append(child)
    return child


def stop(child, kill=False):
    child.kill() if kill else child.terminate()
    child.wait(20)
    children.remove(child)


def control(*words):
    return subprocess.run([streamctl, *words], env=environment, capture_output=True, text=True, timeout=20)


def until(test, what, timeout=20):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = test()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(what)


def daemon():
    child = start(streamd, "--socket", socket)
    until(lambda: control("status", "--json").returncode == 0, "the daemon does not answer")
    # Enough to look at: a session, and a graph with a fader and a meter.
    control("session", "open", "--to", "127.0.0.1:9", "--name", "living-room")
    graph = {"edits": [
        {"op": "create_node", "type": "tone", "name": "tone"}, {"op": "create_node", "type": "gain", "name": "music"},
        {"op": "create_node", "type": "loudness", "name": "ears"}, {"op": "create_node", "type": "stream_sink",
                                                                     "name": "to-clients", "args": {"bus": "graph"}},
        {"op": "set_param", "id": "tone", "param": "level", "value": -24},
        {"op": "connect", "from": "tone", "to": "music"}, {"op": "connect", "from": "music", "to": "ears"},
        {"op": "connect", "from": "ears", "to": "to-clients"}]}
    channel = {"config": {"logical_channels": {"1": {"input": "private-mic", "output": "stage", "name": "Director"}}}}
    for line in ({"op": "commit", "args": graph}, {"op": "start"}, {"op": "channels.configure", "args": channel}):
        control("raw", json.dumps(line))
    return child


def accessibility(browser, what, roles=("meter", "slider", "button", "log")):
    wrong = findings(browser, roles)
    assert not wrong, f"{what}: {wrong[:10]}"


def size(browser, width, height, scheme):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 500)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    time.sleep(0.3)


LEVEL = ("Math.max(-60, ...[...document.querySelectorAll('meter')].filter((m) => "
         "m.getAttribute('aria-label').startsWith('Bus default-sink')).map((m) => m.value))")


def picture(browser, name):
    if not pictures:
        return
    pictures.mkdir(exist_ok=True)
    browser.run("(scrollTo(0, 0), document.activeElement?.blur())")
    browser.until(f"{LEVEL} > -22", "no level for the picture")
    shot = browser.call("Page.captureScreenshot", format="png")["data"]
    (pictures / f"{name}.png").write_bytes(base64.b64decode(shot))


STAGE = """{ factory.name=support.null-audio-sink node.name=stage node.description="Stage" media.class=Audio/Sink
  audio.channels=2 audio.position=[ FL FR ] object.linger=1
  adapter.auto-port-config={ mode=dsp monitor=true position=preserve } }"""


def reaction(browser, levels, name, move, test, rounds=5):
    """The longest time from a move on the page to the sound in which it is heard."""
    times = []
    for round in range(rounds):
        moment = time.monotonic_ns()
        move(round)
        passed = levels.after(moment, name, lambda level: test(round, level))
        assert passed is not None, f"{name}: nothing is heard of move {round}"
        times.append(passed)
    return times


def main(browser):
    subprocess.run(["pw-cli", "create-node", "adapter", STAGE], env=environment, check=True, capture_output=True)
    server = daemon()
    talker = start(streamctl, "mic", "send", "--tone", "440", "--name", "anna")
    tone = start(streamctl, "test-tone", "--level", "-20")
    token = control("token", "show").stdout.strip()
    browser.open(f"http://localhost:{port}/#token={token}")

    # It opens, and the token is not in the address any more.
    browser.until("document.body?.dataset.link === 'open'", "the page does not connect")
    assert browser.run("location.hash") == "", "the token stays in the address"
    browser.until("['ok', 'idle'].includes(document.getElementById('state').textContent)", "no state")

    # Meters move with the sound, and stand when it ends.
    browser.until(f"{LEVEL} > -22 && {LEVEL} < -15", "the bus's meter does not show the tone")
    browser.until("[...document.querySelectorAll('meter')].some((m) => /minus \\d+ dBFS/.test(m.getAttribute('aria-valuetext')))",
                  "no level is told in words")
    stop(tone)
    browser.until(f"{LEVEL} < -50", "the meter stays up without sound")
    tone = start(streamctl, "test-tone", "--level", "-20")
    browser.until(f"{LEVEL} > -22", "the meter does not come back")

    # A fader acts.
    browser.until("document.querySelector('[aria-label=\"Gain of session living-room\"]')", "no fader")
    browser.run("(() => { const f = document.querySelector('[aria-label=\"Gain of session living-room\"]');"
                "f.value = -12.5; f.dispatchEvent(new Event('input')); })()")
    until(lambda: json.loads(control("status", "--json").stdout)["sessions"][0]["gain_db"] == -12.5, "the fader does nothing")

    # Push-to-talk by keyboard, and by a page that loses its focus.
    def is_open():
        targets = json.loads(control("ptt", "list", "--json").stdout)["targets"]
        return targets[0]["open"] if targets else None
    assert is_open() is False, "it is not shut at first"
    browser.run("document.getElementById('talk').focus()")
    key = {"key": " ", "code": "Space", "windowsVirtualKeyCode": 32}
    browser.call("Input.dispatchKeyEvent", type="keyDown", **key)
    until(is_open, "the key does not open it")
    browser.call("Input.dispatchKeyEvent", type="keyUp", **key)
    until(lambda: is_open() is False, "letting go does not shut it")
    browser.call("Input.dispatchKeyEvent", type="keyDown", **key)
    until(is_open, "the key does not open it again")
    browser.run("document.getElementById('talk').blur()")
    until(lambda: is_open() is False, "it stays open without the focus")

    # How soon what is heard is another: a fader of the graph, a key.
    browser.run("document.getElementById('talk').blur()")
    browser.until("document.querySelector('[aria-label=\"Gain of music\"]')", "no fader of the graph")
    levels = Levels(socket)
    wanted = [-10, -20, -5, -15, 0]

    def slide(round):
        browser.run("(() => { const f = document.querySelector('[aria-label=\"Gain of music\"]');"
                    f"f.value = {wanted[round]}; f.dispatchEvent(new Event('input')); }})()")
    figures = {"fader": reaction(browser, levels, "bus bus:graph", slide,
                                 lambda round, level: abs(level - (wanted[round] - 24)) < 0.5)}
    # A microphone that nobody records stands still.
    recorder = start("pw-record", "--target", "streamd.mic", str(home / "talk.wav"))
    browser.run("document.getElementById('talk').focus()")
    until(lambda: json.loads(control("status", "--json").stdout)["mic"]["recorders"] == 1, "nobody records")

    def talk(round):
        browser.call("Input.dispatchKeyEvent", type="keyUp" if round % 2 else "keyDown", **key)
    figures["push-to-talk"] = reaction(browser, levels, "mic streamd.mic", talk,
                                       lambda round, level: level < -60 if round % 2 else level > -40, rounds=8)
    levels.close()
    stop(recorder)
    browser.run("document.getElementById('talk').blur()")
    for name, times in figures.items():
        print(f"{name} heard after {sorted(times)[len(times) // 2]:.0f} ms, at most {max(times):.0f} ms", flush=True)

    # A duplex channel: what it plays, and its mute.
    browser.until("document.querySelector('[aria-label=\"Mute Director\"]')", "the channel is not shown")
    browser.until("[...document.querySelectorAll('meter')].some((m) => "
                  "m.getAttribute('aria-label').startsWith('Channel Director') && m.value > -40)", "the channel has no level")
    browser.run("document.querySelector('[aria-label=\"Mute Director\"]').click()")
    until(lambda: json.loads(control("channels", "--json").stdout)["logical_channels"]["1"]["mute"], "it is not muted")
    browser.until("document.querySelector('[aria-label=\"Mute Director\"]').getAttribute('aria-pressed') === 'true'",
                  "the page does not show that it is muted")
    browser.run("document.querySelector('[aria-label=\"Mute Director\"]').click()")
    until(lambda: not json.loads(control("channels", "--json").stdout)["logical_channels"]["1"]["mute"], "it stays muted")
    browser.until("document.querySelector('[aria-label=\"Mute Director\"]').getAttribute('aria-pressed') === 'false'",
                  "the page does not show that it is heard again")

    # For everybody.
    for width, height in ((1280, 800), (390, 844)):
        for scheme in ("light", "dark"):
            size(browser, width, height, scheme)
            accessibility(browser, f"{width}x{height} {scheme}")
            picture(browser, f"page-{width}x{height}-{scheme}")

    # The daemon dies; the page says so, and comes back by itself.
    stop(talker)
    stop(server, kill=True)
    browser.until("document.body.dataset.link === 'lost' && !document.getElementById('link').hidden", "the loss is not told")
    accessibility(browser, "without a daemon", roles=("status",))
    server = daemon()
    browser.until("document.body.dataset.link === 'open' && document.getElementById('link').hidden",
                  "it does not come back", timeout=30)
    browser.until("document.getElementById('events').textContent.includes('connected again')", "its return is not told")
    browser.until(f"{LEVEL} > -22", "no levels after the return")

    # A token that is taken back is of no use at once.
    control("token", "rotate")
    browser.until("!document.getElementById('entry').hidden", "an old token still opens the page", timeout=30)
    for scheme in ("light", "dark"):
        size(browser, 390, 844, scheme)
        accessibility(browser, f"without a token, {scheme}", roles=("textbox", "button"))
    bad = [event["params"]["entry"]["text"] for event in browser.events
           if event.get("method") == "Log.entryAdded" and "Content Security" in event["params"]["entry"]["text"]]
    bad += [str(event["params"]) for event in browser.events if event.get("method") == "Runtime.exceptionThrown"]
    assert not bad, bad
    print("good")


browser = Browser(chromium)
try:
    main(browser)
except AssertionError as error:
    print(f"WRONG {error}")
    sys.exit(1)
finally:
    browser.close()
    for child in list(children):
        stop(child)
    place.cleanup()
