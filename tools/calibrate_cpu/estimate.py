"""Components of CPU cost, in ns, from the calibration cases of one kernel.

Every stage of the trace runs from one time stamp to the next and so holds the cost of exactly one
trace event besides its own work; all components are given without it.
"""

from . import random_job, stats
from .direct import Direct
from .reads import Reads
from .stages import (HALF_TICK_NS, REQUEST_PAGES, gaps, poll_intervals, request_intervals,
                     tick_delays, tick_phase)
from .trace import TICK_NS

PAGES_PER_WRITE = 16  # 64 KiB
FIRST_BATCH = 33  # bios until the 32 tags of rand4k-buffered are gone and one waits
FIRST_POLL_PAGES = 32  # pages a new task dirties before it is looked at
SAMPLE_NS = 100_000_000  # period of the rig's probe
SUBMIT_REST_NS = 900  # assumed: from a sleeper's first instruction to its next observed event


class Estimator:
    """Collects components; `cases` maps names to Case objects. `tries_all`: this kernel tries to
    merge a bio with every request of a plug; `adopted`: components that its traces do not show
    and that are those of the reference kernel."""

    def __init__(self, cases, reference=None, tries_all=False, adopted=()):
        self.cases, self.reference = cases, reference
        self.tries_all, self.adopted = tries_all, adopted
        self.costs = {}
        self.phase = {n: tick_phase(c) for n, c in cases.items()}
        self.sequential = cases["seq-buffered-100"]

    def put(self, name, values, how, shift=0.0, mean=False):
        """Component from samples of a stage less `shift`; the value is their median or mean. Where
        this kernel's traces have no such stage it is that of the reference kernel."""
        if self.reference and (not values or name in self.adopted):
            self.adopt(name)
            return
        s = stats.spread(values)
        chosen = s["mean"] if mean else s["median"]
        self.costs[name] = {"ns": max(0, round(chosen - shift)), "n": s["n"],
                            "median": round(s["median"] - shift), "p10": round(s["p10"] - shift),
                            "p90": round(s["p90"] - shift), "how": how}

    def adopt(self, name):
        value = self.reference[name]["ns"]
        self.costs[name] = {"ns": value, "n": 0, "median": value, "p10": value, "p90": value,
                            "how": "as on the reference kernel"}

    def point(self, name, value, how, n=1):
        if self.reference and name in self.adopted:
            self.adopt(name)
            return
        value = round(value)
        self.costs[name] = {"ns": max(0, value), "n": n, "median": value, "p10": value,
                            "p90": value,
                            "how": how}

    def __getitem__(self, name):
        return self.costs[name]["ns"]

    def run(self):
        self.trace_cost()
        self.put("tick", [d for c in self._streams() for d in tick_delays(c, self.phase[c.name])],
                 "bios of fsync-32 and of traced flushers: delay in the 60 us after a tick",
                 mean=True)
        self.write_path()
        self.flusher()
        self.block_layer()
        self.completion()
        self.sync_path()
        self.random_flush()
        self.scheduling()
        self.reclaim()
        self.job_start()
        Direct(self).run()
        Reads(self).run()
        return self.costs

    def trace_cost(self):
        loop = gaps(self.cases["rand4k-buffered"], "block_rq_insert", "block_rq_insert")
        traced = self.cases.get("seq-buffered-100-blk")
        if traced:
            with_blk = request_intervals(traced, self.phase[traced.name])
            without = request_intervals(self.sequential, self.phase["seq-buffered-100"],
                                        1_300_000_000)
            extra = 2 * REQUEST_PAGES + 1
            self.put("trace_event", [(x - stats.median(without)) / extra for x in with_blk],
                     "a full request of 320 bios with and without 641 block events")
            self.put("request_insert", loop, "spacing of block_rq_insert in a plug flush by a "
                                             "sleeper",
                     self["trace_event"])
            return
        insert = self.reference["request_insert"]["ns"]
        self.put("trace_event", loop, "spacing of block_rq_insert less the other kernel's loop "
                                      "work", insert)
        self.point("request_insert", insert, "as on the reference kernel", 0)

    def write_path(self):
        eps = self["trace_event"]
        sync, fsync = self.cases["o-sync"], self.cases["fsync-32"]
        rows = [(c, c.fio["write"], c.fio.get("sync", {}).get("lat_ns", {"N": 0, "mean": 0}))
                for c in (sync, fsync)]
        rest = [w["total_ios"] / w["iops"] * 1e9 - w["total_ios"] * w["clat_ns"]["mean"]
                - s["N"] * s["mean"]
                for _, w, s in rows]
        (start_up, per_io) = stats.least_squares([(1, w["total_ios"]) for _, w, _ in rows], rest)
        self.point("fio_io", per_io, "fio's run time less its latencies, o-sync and fsync-32: "
                                     "slope", 2)
        self.start_up = start_up
        kinds = random_job.write_kinds(self.cases["rand4k-buffered"], self.phase["rand4k-buffered"])
        self.kinds = kinds
        one_page = fsync.fio["write"]["clat_ns"]["mean"] + self["fio_io"]
        self.free = [r for r in poll_intervals(self.sequential, self.phase["seq-buffered-100"])
                     if not r[0] and not r[2]]
        with_poll = [b.t - a.t for a, b, c in self._o_sync_polls() if b]
        without = [c.t - a.t for a, b, c in self._o_sync_polls() if not b]
        self.put("bdp_freerun", with_poll, "o-sync: turn with a poll less turn without",
                 stats.median(without) + eps)
        poll = self["bdp_freerun"] + eps
        per_write = stats.trimmed_mean([(r[3] - poll) * PAGES_PER_WRITE / r[1] for r in self.free])
        self.write_64k = per_write
        page = (per_write - one_page) / (PAGES_PER_WRITE - 1)
        self.put("write_page_new", [((r[3] - poll) * PAGES_PER_WRITE / r[1]
                                     - one_page) / (PAGES_PER_WRITE - 1)
                                    for r in self.free],
                 "64 KiB turns of seq-buffered-100 in free run less one 4 KiB turn, per page",
                 mean=True)
        self.point("write_call", one_page - self["fio_io"] - page,
                   "mean clat of fsync-32's 4 KiB writes less write_page_new",
                   fsync.fio["write"]["total_ios"])
        call = self["fio_io"] + self["write_call"]
        # fio's random generator is left inside: all three kinds share it, so it cancels.
        generator = kinds["new"] - call - page
        n = len(kinds["quiet_residual"])
        self.point("write_page_dirty", kinds["dirty"] - call - generator,
                   "rand4k-buffered before the first flush, replayed: revisits", n)
        self.point("write_page_clean", kinds["clean"] - call - generator,
                   "rand4k-buffered throttled, replayed: revisits of written-back pages",
                   len(kinds["busy_residual"]))
        self.point("cache_slot_new", kinds["slot"],
                   "rand4k-buffered, replayed: first page of a 64-page index node", n)
        self._throttle(eps)

    def _o_sync_polls(self):
        """(end of the flush, poll or None, next write's first bio)."""
        out, events = [], self.cases["o-sync"].events
        for a, b, c in zip(events, events[1:], events[2:]):
            if a.name != "block_rq_complete" or a.comm != "?":
                continue
            if a.field("rwbs") != "WS" or a.number("nr_sector"):
                continue
            if b.name == "block_bio_queue":
                out.append((a, None, b))
            elif b.name == "global_dirty_state" and c.name == "block_bio_queue":
                out.append((a, c, c))
        return out

    def _throttle(self, eps):
        seq, phase = self.sequential, self.phase["seq-buffered-100"]
        page = self.write_64k / PAGES_PER_WRITE
        state = stats.median(gaps(seq, "global_dirty_state", "balance_dirty_pages")) - eps
        self.state_ns = state
        rows = [r for r in poll_intervals(seq, phase, 0, 6_500_000_000) if r[0] and not r[2]
                and r[3] < 2e6]
        self.put("bdp_throttle", [r[3] - r[1] * page - eps + state for r in rows],
                 "seq-buffered-100: full computation without sleep, turn less its writes",
                 mean=True)
        wake, events = [], seq.events
        for i, e in enumerate(events):
            if e.name != "balance_dirty_pages" or e.number("pause") <= 0 or e.t > 6_500_000_000:
                continue
            ticks = e.number("pause") * 1_000_000 // TICK_NS + 1
            due = ((e.t - phase) // TICK_NS + ticks) * TICK_NS + phase
            j = next((j for j in range(i + 1, len(events))
                      if events[j].t > due - HALF_TICK_NS
                      or events[j].name == "global_dirty_state"), None)
            if j is None or not events[j].is_fio or events[j].name != "global_dirty_state":
                continue
            following = random_job.throttle_event(events, j)
            if following and not seq.sampled(due - HALF_TICK_NS, events[j].t):
                wake.append(events[j].t - due - following.number("dirtied") * page)
        self.put("pause_wake", wake, "seq-buffered-100: tick that ends a pause to the writer "
                                     "running, less the tick",
                 self["tick"], mean=True)

    def flusher(self):
        eps = self["trace_event"]
        below = self.cases["rate-below"]
        wake = gaps(self.sequential, "writeback_wake_background", "global_dirty_state") + \
            gaps(below, "writeback_wake_background", "global_dirty_state")
        self.put("flusher_wake", wake, "writeback_wake_background to the flusher's first test", eps)
        turn = [stats.median(gaps(below, a, b)) - eps for a, b in (
            ("global_dirty_state", "writeback_start"), ("writeback_start", "writeback_queue_io"),
            ("writeback_written", "global_dirty_state"))]
        self.point("flusher_turn", sum(turn), "one turn of wb_writeback: test, queue_io, written "
                                              "(3 stages)",
                   len(gaps(below, "writeback_start", "writeback_queue_io")))
        edges = sum(stats.median(gaps(below, a, b)) - eps for a, b in (
            ("writeback_queue_io", "writeback_single_inode_start"),
            ("writeback_single_inode", "writeback_written")))
        self.inode_edges, passes = edges, len(gaps(below, "writeback_single_inode",
                                                   "writeback_written"))
        end = stats.median(gaps(below, "block_rq_issue", "writeback_pages_written")) + \
            stats.median(gaps(below, "global_dirty_state", "block_rq_issue")) - 2 * eps
        self.point("flusher_end", end, "last test to writeback_pages_written, plug flush included",
                   passes)

    def block_layer(self):
        eps = self["trace_event"]
        fsync, rand = self.cases["fsync-32"], self.cases["rand4k-buffered"]
        merge = gaps(fsync, "block_bio_queue", "block_bio_backmerge")
        self.put("bio_merge", merge, "fsync-32: block_bio_queue to block_bio_backmerge", eps)
        data = lambda e: e.number("nr_sector") > 0
        stage = [stats.median(gaps(fsync, a, b, t)) for a, b, t in (
            ("block_bio_queue", "block_getrq", data), ("block_getrq", "block_plug", None),
            ("block_plug", "block_bio_queue", None),
            ("block_bio_backmerge", "block_bio_queue", None))]
        self.point("request_get", stage[0] + stage[1] + stage[2] - stage[3] - 2 * eps,
                   "fsync-32: a bio that starts a request against one that merges, plus bio_merge",
                   len(merge))
        kblockd = lambda e: e.comm.startswith("kworker/0")
        self.put("request_issue", gaps(rand, "block_rq_issue", "block_rq_issue", kblockd, kblockd),
                 "spacing of issues by kblockd", eps)
        full = request_intervals(self.sequential, self.phase["seq-buffered-100"], 6_500_000_000)
        known = eps + self["request_get"] + self["request_issue"] + (REQUEST_PAGES
                                                                     - 1) * self["bio_merge"]
        self.put("wb_page", [(x - known) / REQUEST_PAGES for x in full],
                 "full requests of seq-buffered-100, per page, less merging and request", mean=True)
        traced = self.cases.get("seq-buffered-100-blk")
        if traced:
            self.put("flusher_inode", gaps(traced, "writeback_single_inode_start",
                                           "block_bio_queue"),
                     "start of an inode to its first bio less that page, plus list moves before "
                     "and after",
                     eps + self["wb_page"] - self.inode_edges)
        else:
            self.point("flusher_inode", self.inode_edges + self.reference["flusher_inode"]["start"],
                       "list moves; the start of the inode as on the reference kernel", 0)
        self.costs["flusher_inode"]["start"] = self["flusher_inode"] - round(self.inode_edges)
        sync = self.cases["o-sync"]
        self.put("kblockd_hop", gaps(sync, "block_rq_insert", "block_rq_issue"),
                 "o-sync: block_rq_insert to kblockd's block_rq_issue", eps + self["request_issue"])

    def completion(self):
        eps = self["trace_event"]
        sync, fsync = self.cases["o-sync"], self.cases["fsync-32"]
        write_ns, _ = sync.service_ns
        self.put("irq_complete", [x - write_ns(1) for x in gaps(
            sync, "block_rq_issue", "block_rq_complete", lambda e: e.number("nr_sector") == 8)],
            "o-sync: block_rq_issue to block_rq_complete less the service time", eps)
        flush = lambda e: e.name == "block_bio_queue" and e.number("nr_sector") == 0
        done = lambda e: e.number("nr_sector") > 0 and e.comm == "?"
        self.one = gaps(sync, "block_rq_complete", "block_bio_queue", done, flush)
        self.many = gaps(fsync, "block_rq_complete", "block_bio_queue", done, flush)
        slow = [r for r in poll_intervals(self.sequential, self.phase["seq-buffered-100"], 0,
                                          6_500_000_000)
                if r[0] and len(r[2]) == 1 and r[2][0].pages == REQUEST_PAGES]
        page = self.write_64k / PAGES_PER_WRITE
        base = stats.trimmed_mean([r[3] - r[1] * page for r in poll_intervals(
            self.sequential, self.phase["seq-buffered-100"], 0, 6_500_000_000)
            if r[0] and not r[2] and r[3] < 2e6])
        short = (stats.median(self.many) - stats.median(self.one)) / 31
        fixed = self.kinds["completion"] - eps - self["irq_complete"] - short
        self.point("request_complete", fixed, "rand4k-buffered, replayed: a one-page completion "
                                              "less its page",
                   len(self.kinds["busy_residual"]))
        self.put("page_complete", [(r[3] - r[1] * page - base - eps - self["irq_complete"]
                                    - self["request_complete"]) / REQUEST_PAGES for r in slow],
                 f"a 320-page completion inside a writer's turn (32 pages of fsync-32: "
                 f"{short:.0f})")

    def sync_path(self):
        eps, sync, rand = self["trace_event"], self.cases["o-sync"], self.cases["rand4k-buffered"]
        idle = gaps(rand, "block_rq_complete", "writeback_single_inode", lambda e: e.comm == "?")
        floor = stats.quantile(sorted(idle), 0.1)
        self.point("sleeper_wake", floor - eps - self["request_complete"] - self["page_complete"]
                   - SUBMIT_REST_NS,
                   "rand4k-buffered: completion to the sleeping flusher's end of inode (10th "
                   "percentile), "
                   f"assuming {SUBMIT_REST_NS} ns of its own work", len(idle))
        after = self["request_complete"] + self["page_complete"] + self["sleeper_wake"] + eps
        get = stats.median(gaps(sync, "block_bio_queue", "block_getrq",
                                lambda e: e.number("nr_sector") == 0)) - eps
        self.put("flush_submit", [x + get for x in self.one],
                 "o-sync: data's completion to the flush's request, less completion and wake-up",
                 after)
        hop = gaps(sync, "block_getrq", "block_rq_issue")
        self.put("flush_hop", hop, "o-sync: flush request to kblockd's issue", eps
                 + self["request_issue"])
        self.put("flush_done", gaps(sync, "block_rq_complete", "block_rq_complete"),
                 "end of the flush to the end of the request that asked for it", eps)
        turn = [c.t - a.t for a, b, c in self._o_sync_polls() if not b]
        done = self["fio_io"] + self["write_call"] + self["write_page_new"] \
            + self["sleeper_wake"] + self["wb_page"]
        self.put("fsync_call", turn, "o-sync: end of the flush to the next write's bio, less "
                                     "wake-up, fio, write, page",
                 eps + done, mean=True)
        rest = [gaps(sync, a, b) for a, b in (("block_plug", "block_unplug"),
                                              ("block_unplug", "block_rq_insert"))]
        if all(rest):
            self.point("fsync_wait", sum(stats.median(each) - eps for each in rest),
                       "o-sync: end of submission, unplug by the sleeping waiter", len(rest[1]))
        else:
            self.adopt("fsync_wait")

    def random_flush(self):
        """Scattered pages: one request each, 32 tags."""
        eps, rand = self["trace_event"], self.cases["rand4k-buffered"]
        batch = next(b.t - a.t for a, b in zip(rand.events, rand.events[1:])
                     if a.name == "writeback_single_inode_start" and b.name == "block_rq_insert")
        each = self["wb_page"] + self["request_get"]
        scans = FIRST_BATCH * (FIRST_BATCH - 1) // 2
        if self.tries_all:
            scattered = self.reference["wb_page_scattered"]["ns"]
            self.point("wb_page_scattered", scattered, "as on the reference kernel", 0)
            own = batch - eps - self["flusher_inode"] - FIRST_BATCH * (each + scattered)
            self.point("plug_scan", own / scans, "first flush of rand4k-buffered: what 528 tries "
                                                 "for a merge add")
        else:
            own = batch - eps - self["flusher_inode"] - FIRST_BATCH * each
            self.point("wb_page_scattered", own / FIRST_BATCH, "first flush of rand4k-buffered: "
                                                               "33 scattered pages")
            self.point("plug_scan", 0, "only the newest request is tried: inside bio_merge and "
                                       "request_get", 0)
        waits, events = [], rand.events
        for i, e in enumerate(events):
            before = events[i - 1]
            if e.name != "block_rq_insert" or before.name != "block_rq_complete":
                continue
            if before.comm != "?":
                continue
            group = events[i:i + 5]
            single = before.pages == 1 and all(x.pages == 1 for x in group[:4])
            inserts = [x.name == "block_rq_insert" for x in group]
            if single and inserts == [True, True, True, True, False]:
                waits.append(e.t - before.t)
        per_page = each + self["wb_page_scattered"]
        known = eps + self["request_complete"] + self["page_complete"] + self["sleeper_wake"] \
            + 4 * per_page + 6 * self["plug_scan"]
        self.put("tag_wait", waits, "four freed tags to four inserted requests, less wake-up and "
                                    "pages", known,
                 mean=True)
        self.point("kblockd_return", self.kinds["cycle"],
                   "rand4k-buffered, replayed: kblockd's last issue to the interrupted writer",
                   len(self.kinds["busy_residual"]))

    def scheduling(self):
        eps, below = self["trace_event"], self.cases["rate-below"]
        full = request_intervals(below, self.phase["rate-below"])
        quiet = stats.quantile(sorted(full), 0.25)
        base = stats.trimmed_mean([x for x in full if x < 1.04 * quiet])
        once = [x - base - self.write_64k for x in full if 1.06 * quiet < x < 1.14 * quiet]
        self.put("rate_io", once, "rate-below: a flusher's request during which fio woke once, "
                                  "less the write: "
                 "timer interrupt, wake-up, two switches, nanosleep, rate arithmetic", mean=True)
        samples = [b.t - a.t - 3000 for c in self._streams() for a, b in zip(c.events, c.events[1:])
                   if a.name == "block_bio_backmerge" and b.name == "block_bio_queue" and b.t
                   - a.t > 90_000]
        self.put("sample", samples, "fsync-32 and traced flushers: the gap a sample tears into a "
                                    "stream of bios", eps)

    def job_start(self):
        """What eight jobs took until background writeback began, less all that is known of it."""
        case = self.cases.get("writers-8")
        if case is None:
            return
        wake = next(e for e in case.events if e.name == "writeback_wake_background")
        first = next(e for e in case.events if e.is_fio)
        span = [e for e in case.events if first.t < e.t <= wake.t]
        polls = [e for e in span if e.name == "global_dirty_state"]
        pages = polls[-1].number("nr_dirtied") - FIRST_POLL_PAGES
        eps = self["trace_event"]
        known = pages * self["write_page_new"]
        known += pages // PAGES_PER_WRITE * (self["fio_io"] + self["write_call"])
        known += len(polls) * (self["bdp_freerun"] + eps)
        for event in span:
            if event.name == "block_rq_issue":
                known += event.pages * (self["wb_page"] + self["bio_merge"]) + eps
            elif event.name == "block_rq_complete":
                known += event.pages * self["page_complete"] + eps
        known += (wake.t - first.t) // TICK_NS * self["tick"]
        known += (wake.t - first.t) // SAMPLE_NS * self["sample"]
        jobs = len(case.summary["fio"]["jobs"]) - 1
        self.point("fio_start", (wake.t - first.t - known) / jobs,
                   "writers-8: time until background writeback began less all known work, for each "
                   "of the seven jobs that started meanwhile", jobs)

    def _streams(self):
        return [self.cases[n] for n in ("fsync-32", "seq-buffered-100-blk") if n in self.cases]

    def reclaim(self):
        """Completions come every 13.1 ms whatever the CPU does: they sample who is running."""
        seq = self.sequential
        done = [e for e in seq.events if e.name == "block_rq_complete" and 7e9 < e.t < 20e9]
        hits = sum(e.comm == "kswapd0" for e in done)
        share = hits / len(done)
        pages = seq.summary["vmstat_delta"]["pgsteal_kswapd"]
        self.point("kswapd_page", share * (done[-1].t - done[0].t) / pages,
                   f"share of completions that found kswapd running ({hits} of {len(done)}), error "
                   f"{100 / hits ** 0.5:.0f} %", hits)
        late = [r for r in poll_intervals(seq, self.phase["seq-buffered-100"], 9_000_000_000,
                                          19_500_000_000)
                if r[0] and not r[2] and r[3] < 1.1 * r[1] * self.write_64k / PAGES_PER_WRITE]
        early = [r for r in poll_intervals(seq, self.phase["seq-buffered-100"], 0, 6_500_000_000)
                 if r[0] and not r[2] and r[3] < 1.1 * r[1] * self.write_64k / PAGES_PER_WRITE]
        base = stats.trimmed_mean([r[3] / r[1] for r in early])
        self.put("write_page_full", [r[3] / r[1] for r in late],
                 "extra per new page once memory is at its watermark (t > 9 s)", base, mean=True)
