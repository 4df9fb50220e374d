#!/usr/bin/env python3
"""A streaming host's side of streamd, and nothing else of a host.

It opens a GameStream session as a host does once a client has launched: chooses port and ping payload, hands over the
client's key, and prints what the host would tell the client. Then it follows the session's events until Ctrl-C, "quit" or
the session's end. Standard library only.
"""

import argparse
import json
import os
import secrets
import selectors
import signal
import socket
import sys


class Refused(Exception):
    """The daemon said no; its error is the argument."""

    def __str__(self):
        error = self.args[0]
        where = f" ({error['path']})" if "path" in error else ""
        hint = f"; {error['hint']}" if "hint" in error else ""
        return f"{error['code']}: {error['message']}{where}{hint}"


class Daemon:
    """One connection: requests with their replies, and the events that come in between."""

    MAJOR = 1

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.waiting = b""
        self.events = []
        self.last_id = 0
        # The daemon speaks first.
        hello = self._line(10)
        if "error" in hello:
            raise Refused(hello["error"])
        if hello.get("event") != "hello" or hello["protocol"]["major"] != self.MAJOR:
            raise ConnectionError(f"this is no streamd of protocol {self.MAJOR}: {hello}")
        self.hello = hello

    def request(self, op, /, **arguments):
        self.last_id += 1
        line = json.dumps({"id": self.last_id, "op": op, "args": arguments})
        self.socket.settimeout(10)
        self.socket.sendall(line.encode() + b"\n")
        while True:
            reply = self._line(10)
            if "event" in reply:
                self._keep(reply)
            elif reply.get("id") == self.last_id:
                if reply["ok"]:
                    return reply["result"]
                raise Refused(reply["error"])

    def arrived(self):
        """The events there are, after the socket became readable."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the daemon is gone")
        self.waiting += chunk
        while b"\n" in self.waiting:
            line = self._line(0)
            if "event" in line:
                self._keep(line)
        events, self.events = self.events, []
        return events

    def _keep(self, event):
        self.events.append(event)
        # States come again; nobody needs an unbounded past.
        del self.events[:-256]

    def _line(self, timeout):
        self.socket.settimeout(timeout)
        while b"\n" not in self.waiting:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError("the daemon closed the connection")
            self.waiting += chunk
        line, self.waiting = self.waiting.split(b"\n", 1)
        return json.loads(line)


class Host:
    """What a host keeps of one client."""

    def __init__(self, daemon, options):
        self.daemon = daemon
        self.options = options
        # In a real host these come with the client's launch request, over HTTPS.
        self.key = secrets.token_hex(16) if options.encrypt else None
        self.key_id = secrets.randbits(32) - (1 << 31)
        # The answer to RTSP SETUP tells the client this one: exactly 16 characters.
        self.ping_payload = secrets.token_hex(8).upper()
        self.session = None
        self.peer = None
        self.problems = None

    def open(self):
        known = self.daemon.request("describe", op="session.open")
        wires = known["args"]["properties"]["protocol"].get("enum", [])
        if "gamestream" not in wires:
            raise ConnectionError("this streamd is too old: it has no GameStream")
        # Subscribed before the session opens, so that its end cannot be missed.
        self.daemon.request("subscribe", topics=["sessions", "session-ended", "health"])
        arguments = {
            "protocol": "gamestream",
            "bind": self.options.bind,
            "port": self.options.port,
            "target": self.options.target,
            "channels": self.options.channels,
            "quality": self.options.quality,
            "packet_ms": self.options.packet_ms,
            "ping_payload": self.ping_payload,
            "timeout_s": self.options.timeout,
            # Should this host die, so does the session.
            "while_connected": True,
        }
        if self.key:
            arguments.update(encrypt=True, rikey=self.key, rikeyid=self.key_id)
        reply = self.daemon.request("session.open", **arguments)
        self.session = reply["session"]["session"]
        return reply

    def tell(self, reply):
        """What the host's RTSP server would say, for DESCRIBE and SETUP, and a client to try it with."""
        say(f"session {self.session}, from streamd {self.daemon.hello['version']}")
        say("DESCRIBE:")
        for line in reply["sdp"].splitlines():
            say(f"  {line}")
        say("SETUP audio:")
        say(f"  Transport: server_port={reply['port']}")
        say(f"  X-SS-Ping-Payload: {reply['ping_payload']}")
        if self.options.sdp:
            with open(self.options.sdp, "w", encoding="ascii") as file:
                file.write(reply["sdp"])
        words = ["streamctl", "listen", "--gamestream", "--attach", f"{self.options.address}:{reply['port']}"]
        words += ["--ping-payload", reply["ping_payload"], "--channels", str(self.options.channels)]
        words += ["--quality", self.options.quality, "--packet-ms", str(self.options.packet_ms)]
        if self.key:
            words += ["--key", self.key, "--key-id", str(self.key_id)]
        if self.options.sdp:
            words += ["--sdp", self.options.sdp]
        say("client: " + " ".join(words))

    def run(self):
        watch = selectors.DefaultSelector()
        watch.register(self.daemon.socket, selectors.EVENT_READ, self._daemon_spoke)
        commands = Commands(self)
        try:
            watch.register(sys.stdin, selectors.EVENT_READ, commands.read)
        except PermissionError:
            pass  # A file or /dev/null, which cannot be waited for.
        while True:
            # Events may have come along with a reply.
            kept, self.daemon.events = self.daemon.events, []
            if any(self._event(event) for event in kept):
                return
            for key, _ in watch.select():
                outcome = key.data()
                if outcome == "done":
                    return
                if outcome == "end of input":
                    watch.unregister(sys.stdin)

    def close(self):
        """Ends the session, if it has not ended by itself."""
        if self.session is None:
            return
        last = self.daemon.request("session.close", session=self.session)["session"]
        say(f"closed: {last['sent']['packets']} packets, {last['sent']['bytes']} bytes")

    def _daemon_spoke(self):
        return "done" if any(self._event(event) for event in self.daemon.arrived()) else None

    def _event(self, event):
        """True when there is nothing left to do."""
        topic, data = event["event"], event.get("data", {})
        if topic == "bye":
            self.session = None
            say(f"the daemon stops: {event.get('reason')}")
            return True
        if topic == "session-ended" and data["session"] == self.session:
            self.session = None
            say(f"the session ended: {data['reason']} after {data['silent_s']} s")
            return True
        if topic == "health" and data["problems"] != self.problems:
            self.problems = data["problems"]
            # That a capture takes a moment to start is no problem of the user's.
            for problem in (problem for problem in self.problems if problem["code"] != "starting"):
                say(f"silent: {problem['message']}")
        if topic == "sessions":
            for session in data["sessions"]:
                if session["session"] == self.session and session.get("to") != self.peer:
                    self.peer = session.get("to")
                    say(f"the client is at {self.peer}")
        return False


class Commands:
    """Lines of standard input: gain DB, mute, unmute, bitrate N, status, quit."""

    def __init__(self, host):
        self.host = host
        self.waiting = b""

    def read(self):
        # Not by way of sys.stdin: what its buffer holds, nobody is woken for.
        chunk = os.read(sys.stdin.fileno(), 4096)
        if not chunk:
            return "end of input"
        *lines, self.waiting = (self.waiting + chunk).split(b"\n")
        for line in lines:
            words = line.decode(errors="replace").split()
            if words == ["quit"]:
                return "done"
            if words:
                self._try(words)
        return None

    def _try(self, words):
        try:
            self._carry_out(*words)
        except Refused as refusal:
            say(f"refused: {refusal}")
        except (TypeError, ValueError):
            say(self.__doc__)

    def _carry_out(self, word, *rest):
        change = {
            "gain": lambda level: {"gain_db": float(level)},
            "mute": lambda: {"mute": True},
            "unmute": lambda: {"mute": False},
            "bitrate": lambda rate: {"bitrate": int(rate)},
            "status": lambda: None,
        }.get(word)
        if change is None:
            raise ValueError(word)
        arguments = change(*rest)
        if arguments is None:
            sessions = self.host.daemon.request("session.list")["sessions"]
            say(json.dumps([session for session in sessions if session["session"] == self.host.session]))
        else:
            session = self.host.daemon.request("session.update", session=self.host.session, **arguments)["session"]
            say(f"gain {session['gain_db']} dB, muted {session['muted']}, {session['bitrate']} bit/s")


def say(text):
    print(text, flush=True)


def default_socket():
    path = os.environ.get("STREAMD_SOCKET")
    if path:
        return path
    directory = os.environ.get("XDG_RUNTIME_DIR")
    return os.path.join(directory, "streamd", "control.sock") if directory else None


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--socket", default=default_socket(), help="streamd's control socket")
    parser.add_argument("--bind", default="0.0.0.0", help="local address to send from")
    parser.add_argument("--port", type=int, default=48000, help="UDP port the client pings; 0 picks one")
    parser.add_argument("--address", default="127.0.0.1", help="this host as its client sees it, for the printed command")
    parser.add_argument("--target", default="default-sink", help="default-sink or sink:NAME")
    parser.add_argument("--channels", type=int, default=2, choices=[2, 6, 8])
    parser.add_argument("--quality", default="normal", choices=["normal", "high"])
    parser.add_argument("--packet-ms", type=int, default=5, choices=[5, 10])
    parser.add_argument("--encrypt", action="store_true", help="with a random key, which is printed")
    parser.add_argument("--timeout", type=float, default=10, help="seconds without a ping that end the session")
    parser.add_argument("--sdp", metavar="FILE", help="also write the DESCRIBE lines here")
    options = parser.parse_args()
    if not options.socket:
        parser.error("neither STREAMD_SOCKET nor XDG_RUNTIME_DIR is set; use --socket")
    return options


def main():
    options = parsed()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        host = Host(Daemon(options.socket), options)
        host.tell(host.open())
    except (OSError, Refused) as error:
        print(f"host: {error}", file=sys.stderr)
        return 1
    try:
        host.run()
    except KeyboardInterrupt:
        pass
    except OSError as error:
        print(f"host: {error}", file=sys.stderr)
        return 1
    host.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
