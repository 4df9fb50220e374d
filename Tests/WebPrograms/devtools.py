"""A browser without a window, told what to do over a pair of pipes."""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Browser:
    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="streamd-page-")
        mine, theirs = os.pipe(), os.pipe()

        def connect():
            # What it reads is its third descriptor, what it writes its fourth.
            reading, writing = os.dup(mine[0]), os.dup(theirs[1])
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.child = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, preexec_fn=connect,
            close_fds=False)
        os.close(mine[0])
        os.close(theirs[1])
        self.out, self.into = mine[1], theirs[0]
        self.last, self.left, self.replies, self.events = 0, b"", {}, []
        self.session = None

    def close(self):
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, deadline):
        while True:
            ready = select.select([self.into], [], [], max(0, deadline - time.monotonic()))[0]
            if not ready:
                raise TimeoutError("the browser says nothing")
            data = os.read(self.into, 1 << 20)
            if not data:
                raise ConnectionError("the browser has gone")
            *whole, self.left = (self.left + data).split(b"\0")
            for text in whole:
                message = json.loads(text)
                if "id" in message:
                    self.replies[message["id"]] = message
                else:
                    self.events.append(message)
            if whole:
                return

    def call(self, method, timeout=30, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while self.last not in self.replies:
            self._read(deadline)
        reply = self.replies.pop(self.last)
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]

    def open(self, address):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=address)

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script[:80]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def until(self, script, what, timeout=20):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            value = self.run(f"Boolean({script})")
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"{what}: {script} stays {value!r}")
