"""Reading of the truth rig's case folders: traces, samples, fio figures."""

import bisect
import csv
import json
import lzma
import os

TICK_NS = 4_000_000  # HZ=250
SECTORS_PER_PAGE = 8


class Event:
    """One trace line; times are integer nanoseconds since the start of the run."""

    __slots__ = ("t", "comm", "name", "text")

    def __init__(self, t, comm, name, text):
        self.t, self.comm, self.name, self.text = t, comm, name, text

    def field(self, key):
        """Value of `key=value` in the event, as text, or None."""
        at = self.text.find(" " + key + "=")
        if at < 0:
            return None
        at += len(key) + 2
        end = self.text.find(" ", at)
        return self.text[at:] if end < 0 else self.text[at:end]

    def number(self, key):
        return int(self.field(key))

    @property
    def pages(self):
        return self.number("nr_sector") // SECTORS_PER_PAGE

    @property
    def is_fio(self):
        return self.comm == "fio"

    @property
    def is_flusher(self):
        return self.comm.startswith("kworker/u")


def read_trace(path):
    """Events of trace.txt.xz in order. Thread names may contain no space on this rig."""
    out = []
    with lzma.open(path, "rt") as lines:
        next(lines)
        for line in lines:
            when, who, name, *rest = line.rstrip("\n").split(" ", 3)
            micro, _, nano = when.partition(".")
            sign = -1 if micro.startswith("-") else 1
            out.append(Event(int(micro) * 1000 + sign * int(nano.ljust(3, "0")[:3]),
                             who.rsplit("-", 1)[0], name, " " + rest[0] if rest else ""))
    return out


class Case:
    """A case folder; the trace is read when first used."""

    def __init__(self, root, name):
        self.name = name
        self.path = os.path.join(root, name)
        self._events = None
        with open(os.path.join(self.path, "summary.json")) as f:
            self.summary = json.load(f)
        with open(os.path.join(self.path, "case.json")) as f:
            self.case = json.load(f)
        with open(os.path.join(self.path, "dirty.csv")) as f:
            self.samples = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(f)]
        self.sample_ns = [round(row["t_ms"] * 1e6) for row in self.samples]

    @property
    def events(self):
        if self._events is None:
            self._events = read_trace(os.path.join(self.path, "trace.txt.xz"))
        return self._events

    @property
    def fio(self):
        return self.summary["fio"]["jobs"][0]

    @property
    def service_ns(self):
        """Device time of a write of `pages` pages and of a flush, as (function, number)."""
        dev = self.case["device"]
        return (lambda pages: dev["write_ns"] + pages * 4 * dev["kib_ns"]), dev.get("flush_ns", 0)

    def tick_phase(self):
        """Ticks fall on multiples of 4 ms of CLOCK_MONOTONIC and t = 0 on a multiple of 10 ms, so
        the first tick after t = 0 is at 0 or 2 ms. Chosen by the jiffies seen in
        queue_io events; None without any."""
        clock = []
        for e in self.events:
            if e.name == "writeback_queue_io":
                jiffies = e.number("older") + e.number("age") * 250 // 1000
                clock.append((e.t, jiffies))
        if not clock:
            return None
        t0, j0 = clock[0]
        low = max(t - (j - j0 + 1) * TICK_NS for t, j in clock)
        high = min(t - (j - j0) * TICK_NS for t, j in clock)

        def distance(phase):
            middle = (low + high) / 2 - phase
            return abs(middle - round(middle / TICK_NS) * TICK_NS)
        return min((0, TICK_NS // 2), key=distance)

    def sampled(self, begin, end):
        """Whether the rig's sampler may have run between two instants."""
        i = bisect.bisect(self.sample_ns, begin - 200_000)
        return i < len(self.sample_ns) and self.sample_ns[i] < end + 50_000

    def offsets(self):
        """Pages the random job of the case visits, in order."""
        (name,) = [n for n in os.listdir(self.path) if n.startswith("io-")]
        with lzma.open(os.path.join(self.path, name), "rt") as f:
            next(f)
            return [int(line.split(",")[1]) // 4096 for line in f]


def ticks_between(begin, end, phase):
    return (end - phase) // TICK_NS - (begin - phase) // TICK_NS
