"""Replay of the random buffered job: which write hit a new, a clean or a dirty page."""

from . import stats
from .trace import ticks_between

FIRST_POLL_PAGES = 32  # nr_dirtied_pause of a new task
COMPLETION_WINDOW_NS = 60_000


def _poll_pages(event):
    """dirty_poll_interval of the free-run branch."""
    room = (event.number("dirty_thresh") - event.number("nr_dirty") - event.number("nr_writeback"))
    return 1 << ((max(room, 1).bit_length() - 1) >> 1)


class Replay:
    """Walks the trace and the job's offsets together. The throttle polls after an exact number of
    newly dirtied pages, so the number of writes between two polls follows from the offsets."""

    def __init__(self, case):
        self.pages = case.offsets()
        self.position = 0
        self.cached, self.dirty, self.slots = set(), set(), set()

    def advance(self, newly_dirtied, cleaned):
        """Consumes writes until so many pages were newly dirtied; `cleaned` (lists of pages the
        flusher took meanwhile) is applied evenly over them. Returns (new, clean, dirty, slots)."""
        new = clean = dirty = slots = applied = 0
        while new + clean < newly_dirtied:
            due = len(cleaned) * (new + clean) // newly_dirtied
            for pages in cleaned[applied:due]:
                self.dirty.difference_update(pages)
            applied = max(applied, due)
            page = self.pages[self.position % len(self.pages)]
            self.position += 1
            if page in self.dirty:
                dirty += 1
                continue
            self.dirty.add(page)
            if page in self.cached:
                clean += 1
                continue
            new += 1
            self.cached.add(page)
            if page // 64 not in self.slots:
                self.slots.add(page // 64)
                slots += 1
        for pages in cleaned[applied:]:
            self.dirty.difference_update(pages)
        return new, clean, dirty, slots


def throttle_event(events, i):
    """The balance_dirty_pages event that belongs to the poll at index i, or None in free run."""
    for e in events[i + 1:i + 3]:
        if e.is_fio and e.name == "balance_dirty_pages":
            return e
        if e.name != "bdi_dirty_ratelimit":
            return None
    return None


class _Interval:
    """What happened between the end of one poll and the start of the next one."""

    def __init__(self, begin):
        self.begin = begin
        self.completions = self.cycles = self.flusher_ns = 0
        self.usable = begin is not None


def intervals(case, phase):
    """Rows (new, clean, dirty, slots, completions, flusher cycles, ticks, ns): time of the writer
    between two polls without the stretches in which flusher and kblockd had the CPU."""
    replay, rows, cleaned = Replay(case), [], []
    current, span_start, last_completion = _Interval(None), None, None
    carried, poll = 0, FIRST_POLL_PAGES
    events = case.events
    for i, e in enumerate(events):
        if e.name == "block_rq_complete":
            last_completion = e
            if e.is_fio:
                current.completions += 1
            elif span_start is None:
                current.usable = False
        elif e.name == "block_rq_insert":
            first = e.number("sector") // 8
            cleaned.append(range(first, first + e.pages))
            if span_start is None:
                near = last_completion and e.t - last_completion.t < COMPLETION_WINDOW_NS
                current.usable &= bool(near)
                span_start = last_completion.t if near else e.t
                current.completions -= bool(near and last_completion.is_fio)
        elif e.name == "block_rq_issue":
            if span_start is not None and events[i + 1].name != "block_rq_issue":
                current.flusher_ns += e.t - span_start
                current.cycles += 1
                span_start = None
        elif e.is_fio and e.name == "global_dirty_state":
            throttle = throttle_event(events, i)
            need = throttle.number("dirtied") - carried if throttle else poll
            kinds = replay.advance(max(need, 0), cleaned)
            if current.usable and not case.sampled(current.begin, e.t):
                rows.append((*kinds, current.completions, current.cycles,
                             ticks_between(current.begin, e.t, phase),
                             e.t - current.begin - current.flusher_ns))
            cleaned, span_start = [], None
            current = _Interval(None if throttle else e.t)
            if not throttle:
                carried, poll = 0, _poll_pages(e)
        elif e.name == "balance_dirty_pages":
            slept = e.number("pause") > 0
            current = _Interval(None if slept else e.t)
            carried = 0 if slept or e.number("period") > 0 else e.number("dirtied")
        elif e.name.startswith("writeback"):
            current.usable = False
    return rows, replay.position


def write_kinds(case, phase):
    """Costs (ns) of a write by kind of page, of a completion and of a flusher cycle."""
    rows, writes = intervals(case, phase)
    quiet = [r for r in rows if r[4] == 0 and r[5] == 0]
    (new, dirty, slot, tick), residual = stats.robust_least_squares(
        [(r[0], r[2], r[3], r[6]) for r in quiet], [r[7] for r in quiet], 0.9)
    busy = [r for r in rows if r[5] > 0]
    known = [r[7] - r[0] * new - r[2] * dirty - r[3] * slot - r[6] * tick for r in busy]
    (clean, completion, cycle), busy_residual = stats.robust_least_squares(
        [(r[1], r[4], r[5]) for r in busy], known)
    return {"new": new, "dirty": dirty, "slot": slot, "clean": clean, "completion": completion,
            "cycle": cycle, "quiet_residual": residual, "busy_residual": busy_residual,
            "writes_replayed": writes}
