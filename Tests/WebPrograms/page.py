#!/usr/bin/env python3
"""Looks at streamd's page with a browser: what moves, what can be turned, what a reader of screens is told, and what it
does when the daemon goes away.

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
from devtools import Browser  # noqa: E402

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
    for line in ({"op": "commit", "args": graph}, {"op": "start"}):
        control("raw", json.dumps(line))
    return child


ACCESS = """(() => {
  const wrong = [];
  const lum = (c) => { const [r, g, b] = c.map((v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const parse = (t) => (t.match(/[\\d.]+/g) ?? []).map(Number);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  for (const e of document.querySelectorAll('body *')) {
    if (!e.checkVisibility() || e.closest('svg') || e.closest('.spoken')) continue;
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [lum(parse(getComputedStyle(e).color).slice(0, 3)), lum(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${e.tagName} ${e.className} ${e.textContent.slice(0, 30)}`);
  }
  for (const e of document.querySelectorAll('button, select, input')) {
    const r = e.getBoundingClientRect();
    if (e.checkVisibility() && r.height < 24) wrong.push(`small: ${e.outerHTML.slice(0, 60)}`);
    if (e.tabIndex < 0) wrong.push(`not reached by keyboard: ${e.outerHTML.slice(0, 60)}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`id twice: ${id}`);
  if (!document.documentElement.lang) wrong.push('no language');
  if (!document.title) wrong.push('no title');
  if (document.querySelectorAll('main').length !== 1 || document.querySelectorAll('h1').length !== 1) wrong.push('landmarks');
  const live = document.querySelectorAll('[aria-live] meter, [role=status] meter').length;
  if (live) wrong.push('meters in a live region');
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`wider than the window: ${document.documentElement.scrollWidth}`);
  return wrong;
})()"""

NAMED = {"button", "slider", "meter", "combobox", "textbox", "image", "region", "list", "ComboBoxSelect"}


def accessibility(browser, what):
    wrong = browser.run(ACCESS)
    roles = {}
    for node in browser.call("Accessibility.getFullAXTree")["nodes"]:
        role = node.get("role", {}).get("value", "")
        if node.get("ignored"):
            continue
        roles[role] = roles.get(role, 0) + 1
        if role in NAMED - {"list"} and not node.get("name", {}).get("value"):
            wrong.append(f"{role} without a name")
    for role in ("meter", "slider", "button", "log"):
        if not roles.get(role):
            wrong.append(f"no {role} in the accessibility tree: {roles}")
    assert not wrong, f"{what}: {wrong[:10]}"


def size(browser, width, height, scheme):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 500)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    time.sleep(0.3)


def picture(browser, name):
    if not pictures:
        return
    pictures.mkdir(exist_ok=True)
    browser.run("(scrollTo(0, 0), document.activeElement?.blur())")
    time.sleep(0.2)
    shot = browser.call("Page.captureScreenshot", format="png")["data"]
    (pictures / f"{name}.png").write_bytes(base64.b64decode(shot))


def main(browser):
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
    level = "Math.max(-60, ...[...document.querySelectorAll('meter')].filter((m) => " \
            "m.getAttribute('aria-label').startsWith('Bus default-sink')).map((m) => m.value))"
    browser.until(f"{level} > -22 && {level} < -15", "the bus's meter does not show the tone")
    browser.until("[...document.querySelectorAll('meter')].some((m) => /minus \\d+ dBFS/.test(m.getAttribute('aria-valuetext')))",
                  "no level is told in words")
    stop(tone)
    browser.until(f"{level} < -50", "the meter stays up without sound")
    tone = start(streamctl, "test-tone", "--level", "-20")
    browser.until(f"{level} > -22", "the meter does not come back")

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
    server = daemon()
    browser.until("document.body.dataset.link === 'open' && document.getElementById('link').hidden",
                  "it does not come back", timeout=30)
    browser.until("document.getElementById('events').textContent.includes('connected again')", "its return is not told")
    browser.until(f"{level} > -22", "no levels after the return")

    # A token that is taken back is of no use at once.
    control("token", "rotate")
    browser.until("!document.getElementById('entry').hidden", "an old token still opens the page", timeout=30)
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
