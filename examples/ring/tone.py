#!/usr/bin/env python3
"""Plays a tone into streamd through shared memory, with nothing but Python's standard library (3.9).

Python has no atomics. What is used here in their place are single aligned stores of 64 bits, which keep their order
on x86-64; on other machines write the sound's end from C (streamd_ring.h).
"""

import argparse
import array
import json
import math
import mmap
import os
import select
import socket
import sys
import time

# Where things stand, in words of their size from the start of the memory (streamd_ring.h).
MAGIC = 0x52646D6165727473
CHANNELS, RATE, CAPACITY = 4, 5, 6  # of 32 bits
DATA_OFFSET = 5  # of 64 bits
WRITTEN, WRITTEN_AT, WRITER_BEAT = 16, 17, 18
READ = 32
STATE = 96  # of 32 bits
XRUNS = 49
CLOSED = 2


class Connection:
    """The control socket: lines, and the descriptors that come beside them."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.bytes = b""
        self.descriptors = []
        hello = self.line()
        if hello.get("event") != "hello" or hello["protocol"]["major"] != 1:
            raise SystemExit(f"tone.py: {path} speaks another protocol")

    def line(self):
        while b"\n" not in self.bytes:
            data, descriptors, _, _ = socket.recv_fds(self.socket, 65536, 16)
            if not data:
                raise SystemExit("tone.py: streamd has closed the connection")
            self.bytes += data
            self.descriptors += descriptors
        line, self.bytes = self.bytes.split(b"\n", 1)
        return json.loads(line)

    def request(self, op, **arguments):
        self.socket.sendall(json.dumps({"id": 1, "op": op, "args": arguments}).encode() + b"\n")
        while True:
            reply = self.line()
            if reply.get("id") == 1:
                if not reply["ok"]:
                    raise SystemExit(f"tone.py: {reply['error']['code']}: {reply['error']['message']}")
                return reply["result"]


class Source:
    """The writing end of a ring."""

    def __init__(self, connection, **arguments):
        reply = connection.request("ring.open", direction="source", **arguments)
        self.name = reply["ring"]["ring"]
        named = dict(zip(reply["descriptors"], connection.descriptors))
        # The descriptor of the memory stays open, though it need not: so others can find it in /proc.
        self.memory, self.space = named["memory"], named["space"]
        self.map = mmap.mmap(self.memory, os.fstat(self.memory).st_size)
        whole = memoryview(self.map)
        self.words = whole.cast("Q")
        self.halves = whole.cast("I")
        if self.words[0] != MAGIC or self.halves[2] != 1:
            raise SystemExit("tone.py: this is no ring of version 1")
        self.channels, self.rate, self.capacity = (self.halves[i] for i in (CHANNELS, RATE, CAPACITY))
        self.samples = whole[self.words[DATA_OFFSET] :].cast("f")

    def free(self):
        return self.capacity - (self.words[WRITTEN] - self.words[READ])

    def write(self, frames):
        """Interleaved floats, no more than are free."""
        count = len(frames) // self.channels
        written = self.words[WRITTEN]
        place = written % self.capacity
        first = min(count, self.capacity - place)
        data, view = self.channels, memoryview(frames)
        self.samples[place * data : (place + first) * data] = view[: first * data]
        self.samples[: (count - first) * data] = view[first * data :]
        # The samples first, then that they are there.
        self.words[WRITTEN_AT] = time.monotonic_ns()
        self.words[WRITTEN] = written + count
        self.words[WRITER_BEAT] += 1

    def wait(self, seconds):
        """Until streamd wants more, or the time is over; False when the ring is closed."""
        self.words[WRITER_BEAT] += 1
        if select.select([self.space], [], [], seconds)[0]:
            try:
                os.read(self.space, 8)
            except BlockingIOError:
                pass
        return self.halves[STATE] != CLOSED


def main():
    parser = argparse.ArgumentParser(description="Plays a tone into streamd through shared memory.")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    parser.add_argument("--socket", default=os.environ.get("STREAMD_SOCKET", f"{runtime}/streamd/control.sock"))
    parser.add_argument("--hertz", type=float, default=440)
    parser.add_argument("--level", type=float, default=-20, metavar="DBFS")
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--frames", type=int, default=4096)
    parser.add_argument("--seconds", type=float, default=math.inf)
    options = parser.parse_args()

    connection = Connection(options.socket)
    ring = Source(connection, channels=options.channels, frames=options.frames)
    print(f"ring {ring.name}: {options.hertz:g} Hz, {ring.capacity} frames of {ring.channels} channels", flush=True)
    amplitude, written = 10 ** (options.level / 20), 0
    try:
        while written < options.seconds * ring.rate:
            count = min(ring.free(), 256)
            if count == 0:
                if not ring.wait(0.25):
                    raise SystemExit("tone.py: streamd has closed the ring")
                continue
            block = array.array("f")
            for frame in range(written, written + count):
                sample = amplitude * math.sin(2 * math.pi * math.fmod(options.hertz * frame / ring.rate, 1))
                block.extend([sample] * ring.channels)
            ring.write(block)
            written += count
        while ring.free() < ring.capacity and ring.wait(0.25):
            pass
    except KeyboardInterrupt:
        pass
    print(f"{written} frames, {ring.words[XRUNS]} underruns")


if __name__ == "__main__":
    sys.exit(main())
