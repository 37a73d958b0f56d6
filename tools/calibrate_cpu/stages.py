"""Stages of a trace: spacings of events, requests of the flusher, turns of the writer, ticks."""

from . import random_job, stats
from .trace import TICK_NS, ticks_between

REQUEST_PAGES = 320  # max_sectors_kb 1280
HALF_TICK_NS = TICK_NS // 2


def gaps(case, first, second, first_is=None, second_is=None):
    """ns between adjacent events of these names; `*_is` test the event."""
    return [b.t - a.t for a, b in zip(case.events, case.events[1:])
            if a.name == first and b.name == second
            and (first_is is None or first_is(a)) and (second_is is None or second_is(b))]


def tick_delays(case, phase):
    """Delay of a stream of merging bios in the 60 us after each tick it was running in."""
    pairs = [(b.t, b.t - a.t) for a, b in zip(case.events, case.events[1:])
             if a.name == "block_bio_backmerge" and b.name == "block_bio_queue"]
    if not pairs:
        return []
    usual = stats.trimmed_mean([d for _, d in pairs], 0.01)
    windows = {}
    for at, d in pairs:
        if (at - phase) % TICK_NS < 60_000 and d < 60_000:
            windows.setdefault((at - phase) // TICK_NS, []).append(d)
    return [sum(ds) - len(ds) * usual for ds in windows.values() if len(ds) >= 8]


def tick_phase(case):
    """Instant of the first tick after t = 0, from jiffies or else from the delays themselves."""
    known = case.tick_phase()
    if known is not None:
        return known
    delays = {phase: tick_delays(case, phase) for phase in (0, HALF_TICK_NS)}
    return max(delays, key=lambda p: sum(delays[p]) / max(1, len(delays[p])))


def request_intervals(case, phase, until=None):
    """ns between two issues of full requests by the flusher with nothing else in the trace between,
    no tick and no sample."""
    skip = ("block_bio_queue", "block_bio_backmerge", "block_getrq", "block_plug", "block_unplug")
    out, last = [], None
    for e in case.events:
        if e.name in skip:
            continue
        full = e.name == "block_rq_issue" and e.is_flusher and e.pages == REQUEST_PAGES
        if full and last and not ticks_between(last.t, e.t, phase) and not case.sampled(last.t,
                                                                                        e.t):
            out.append(e.t - last.t)
        last = e if full else None
        if until and e.t > until:
            break
    return out


def poll_intervals(case, phase, begin=0, end=10**12):
    """Writer's intervals between polls, no sleep inside: (throttled, pages, completions, ns)."""
    out, start, events = [], None, case.events
    for i, e in enumerate(events):
        if e.name == "block_rq_complete":
            if start:
                start[3].append(e)
        elif not e.is_fio:
            start = None
        elif e.name == "global_dirty_state":
            throttle = random_job.throttle_event(events, i)
            clean = (start and begin <= start[1] and e.t < end and not case.sampled(start[1], e.t)
                     and not ticks_between(start[1], e.t, phase))
            if clean and throttle and start[0]:
                pages = throttle.number("dirtied") - start[2]
                if pages > 0:
                    out.append((True, pages, start[3], e.t - start[1]))
            elif clean and not throttle and not start[0]:
                counted = e.number("nr_dirtied") - start[2]
                pages = next((p for p in (64, 128) if abs(counted - p) < 14), 0)
                if pages:
                    out.append((False, pages, start[3], e.t - start[1]))
            start = None if throttle else (False, e.t, e.number("nr_dirtied"), [])
        elif e.name == "balance_dirty_pages":
            kept = 0 if e.number("period") > 0 else e.number("dirtied")
            start = None if e.number("pause") > 0 else (True, e.t, kept, [])
        elif e.name != "bdi_dirty_ratelimit":
            start = None
    return out
