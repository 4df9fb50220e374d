"""What is loud in a running daemon, sixty times a second, by the clock that this process has too."""
import json
import socket
import threading
import time


class Levels:
    """Keeps windows of the topic `meters`: when each ended, and the highest peak of each thing in it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.windows = []
        self.socket.sendall(b'{"id":1,"op":"subscribe","args":{"topics":["meters"],"rate":60}}\n')
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        for line in self.socket.makefile():
            event = json.loads(line)
            data = event.get("data") or {}
            if "time_ns" not in data:
                continue
            peaks = {}
            for group, one in (("buses", "bus"), ("mics", "mic"), ("sessions", "session")):
                for item in data.get(group, []):
                    known = [p for p in item.get("peak_dbfs", []) if p is not None]
                    peaks[f"{one} {item[one]}"] = max(known, default=-120)
            self.windows.append((data["time_ns"], peaks))

    def after(self, moment, name, test, timeout=10):
        """How many milliseconds after `moment` the window ended in which the level first was so; None if it never was."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for end, peaks in list(self.windows):
                if end > moment and name in peaks and test(peaks[name]):
                    return (end - moment) / 1e6
            time.sleep(0.01)
        return None

    def close(self):
        # Both directions, so that the reader ends.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.socket.close()
