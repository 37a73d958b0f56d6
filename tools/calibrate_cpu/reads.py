"""Buffered reads: what readahead, completion, and the copy of a cached page cost."""

from . import stats
from .stages import gaps

FEW, MANY = 4, 32  # pages of a read of read-cal-rand-16k and -128k, and of read-cal-wake-*
HIT = 8            # pages of a read of read-cal-seq-32k
COMPONENTS = ("read_page", "readahead", "readahead_page", "read_page_end")


def _slope(few, many):
    """Cost of one page, and what a read costs without its pages."""
    page = (sum(many) / len(many) - sum(few) / len(few)) / (MANY - FEW)
    return page, sum(few) / len(few) - FEW * page


def _hit(case):
    """Latency of a read that finds its pages cached: the median, as most do."""
    return case.fio["read"]["clat_ns"]["percentile"]["50.0"]


def _switches(case):
    """From a completion to the switch to the reader."""
    return gaps(case, "block_rq_complete", "sched_switch",
                second_is=lambda e: e.field("next_comm") == "fio")


class Reads:
    """Adds its components to an estimator that has those of requests and wake-ups."""

    def __init__(self, estimator):
        self.e = estimator

    def run(self):
        e = self.e
        names = ("rand-16k", "rand-128k", "wake-16k", "wake-128k", "seq-4k", "seq-32k")
        cases = [e.cases.get("read-cal-" + name) for name in names]
        if None in cases:
            for name in COMPONENTS:
                e.point(name, e.reference[name]["ns"], "as on the reference kernel", 0)
            return
        few, many = (gaps(c, "block_rq_complete", "block_bio_queue") for c in cases[:2])
        wakes = [_switches(c) for c in cases[2:4]]
        one, eight = cases[4:]
        page, rest = _slope(few, many)
        ended, _ = _slope(*wakes)
        copied = (_hit(eight) - _hit(one)) / (HIT - 1)
        count = len(few) + len(many)
        latencies = one.fio["read"]["clat_ns"]
        own = one.fio["read"]["runtime_ms"] * 1e6 / latencies["N"] - latencies["mean"]
        known = e["trace_event"] + e["request_complete"] + e["sleeper_wake"] + own \
            + _hit(one) - copied
        e.point("read_page", copied, "reads of 8 pages against one that are cached, "
                                     "read-cal-seq-32k and -4k", latencies["N"])
        e.point("readahead", rest - known, "read-cal-rand-16k and -128k: completion to the next "
                                           "bio without its pages, less all that is known", count)
        e.point("readahead_page", page - copied - ended, "read-cal-rand-128k against -16k: a page "
                                                         "more, less its copy and its end", count)
        e.point("read_page_end", ended, "read-cal-wake-128k against -16k: completion to the switch "
                                        "to the reader, a page more",
                len(wakes[0]) + len(wakes[1]))
