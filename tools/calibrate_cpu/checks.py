"""Predictions from the components against measured stages, in calibration and other cases."""

import os

from . import stages, stats
from .trace import TICK_NS, Case

EARLY_NS = 6_500_000_000  # before memory is full in the 1 GiB cases that fill it


def _row(case, stage, predicted, values, how=stats.trimmed_mean):
    measured = how(values)
    return {"case": case, "stage": stage, "predicted_ns": round(predicted),
            "measured_ns": round(measured),
            "error_percent": round(100 * (predicted / measured - 1), 2), "n": len(values)}


def sync_cycle(c, service, flush, pages):
    """Time from the end of one flush to the next: `pages` writes of 4 KiB, then their writeback and
    a flush (O_SYNC or fsync). Trace events are added by the caller."""
    io = c["fio_io"] + c["write_call"] + c["write_page_new"]
    submit = pages * c["wb_page"] + c["request_get"] + (pages - 1) * c["bio_merge"]
    done = c["irq_complete"] + c["request_complete"] + pages * c["page_complete"]
    return (pages * io + c["sleeper_wake"] + c["fsync_call"] + submit + c["request_issue"]
            + service + done
            + c["sleeper_wake"] + c["flush_submit"] + c["flush_hop"] + c["request_issue"] + flush
            + c["irq_complete"] + c["flush_done"])


def sync_stages(case, c, pages):
    """The measured period of o-sync or fsync-32 against the sum of its stages."""
    ends = [e for e in case.events if e.name == "block_rq_complete" and e.field("rwbs") == "WS"
            and not e.number("nr_sector")]
    service, flush = case.service_ns
    predicted = sync_cycle(c, service(pages), flush, pages)
    if pages == 1:
        predicted += c["fsync_wait"] + c["kblockd_hop"]
    else:
        predicted += c["fio_io"]  # fsync is a call of its own
    events = len([e for e in case.events if ends[0].t < e.t <= ends[-1].t and e.comm != "probe"])
    turns = len(ends) - 1
    predicted += events / turns * c["trace_event"]
    # Ticks that find the CPU busy lengthen the cycle; the others fall into device time.
    busy = predicted - service(pages) - flush
    predicted += busy / TICK_NS * c["tick"] + busy / 100e6 * c["sample"]
    period = (ends[-1].t - ends[0].t) / turns
    return _row(case.name, "period of one write and flush" if pages == 1
                else "period of 32 writes and fsync",
                predicted, [period] * turns)


def writer_turn(case, phase, c, pages_per_write, state_ns):
    """Per page, a writer's time between two polls (free run or without sleep)."""
    rows = [r for r in stages.poll_intervals(case, phase, 0, EARLY_NS) if not r[2] and r[3] < 2e6]
    if len(rows) < 10:
        return None
    predicted, measured = [], []
    for throttled, pages, _, ns in rows:
        # A full computation's stage between its two events lies outside the interval.
        poll = c["bdp_throttle"] - state_ns if throttled else c["bdp_freerun"]
        poll += c["trace_event"]
        predicted.append((poll + pages * (c["write_page_new"]
                                          + (c["fio_io"]
                                             + c["write_call"]) / pages_per_write)) / pages)
        measured.append(ns / pages)
    return _row(case.name, "writer, per page", sum(predicted) / len(predicted), measured)


def flusher_request(case, phase, c):
    """A full request of the flusher, issue to issue."""
    values = stages.request_intervals(case, phase, EARLY_NS)
    if len(values) < 5:
        return None
    traced = "blk" in case.case["events"]
    pages = stages.REQUEST_PAGES
    predicted = (pages * c["wb_page"] + (pages - 1) * c["bio_merge"] + c["request_get"]
                 + c["request_issue"]
                 + c["trace_event"] * (1 + traced * (2 * pages + 1)))
    limit = 1.03 * stats.quantile(sorted(values), 0.25)  # without the turns another thread took
    return _row(case.name, "flusher, request of 320 pages", predicted,
                [v for v in values if v < limit])


def completion(case, phase, c):
    """A 320-page completion inside a writer's turn."""
    rows = [r for r in stages.poll_intervals(case, phase, 0, EARLY_NS) if r[0] and r[3] < 4e6]
    quiet = [r[3] / r[1] for r in rows if not r[2]]
    hit = [r for r in rows if len(r[2]) == 1 and r[2][0].pages == stages.REQUEST_PAGES]
    if len(quiet) < 10 or len(hit) < 5:
        return None
    page = stats.trimmed_mean(quiet)
    predicted = (c["irq_complete"] + c["request_complete"]
                 + stages.REQUEST_PAGES * c["page_complete"]
                 + c["trace_event"])
    return _row(case.name, "completion of 320 pages", predicted, [r[3] - r[1] * page for r in hit],
                stats.median)


def saturated(case, c):
    """Whole life of a page when the CPU never idles (seq-buffered-500), from fio's throughput."""
    page = (c["write_page_new"] + c["write_page_full"] + (c["fio_io"] + c["write_call"]) / 16
            + c["wb_page"]
            + c["bio_merge"] + c["page_complete"] + c["kswapd_page"])
    page *= 1 + c["tick"] / TICK_NS + c["sample"] / 100e6
    write = case.fio["write"]
    return _row(case.name, "life of a page, CPU saturated", page,
                [write["runtime_ms"] * 1e6 * 4096 / write["io_bytes"]])


def _load(root, name):
    """The case, or None where this kernel has not run it."""
    return Case(root, name) if os.path.isdir(os.path.join(root, name)) else None


def all_checks(root, estimator, others):
    c = {k: v["ns"] for k, v in estimator.costs.items()}
    out = {"calibration": [], "prediction": []}
    for name, pages in (("o-sync", 1), ("fsync-32", 32)):
        out["calibration"].append(sync_stages(estimator.cases[name], c, pages))
    for name in ("seq-buffered-100", "seq-buffered-100-blk", "rate-below"):
        case = estimator.cases.get(name)
        if case:
            out["calibration"] += [writer_turn(case, estimator.phase[name], c, 16,
                                               estimator.state_ns)] if name != "rate-below" else []
            out["calibration"] += [flusher_request(case, estimator.phase[name], c),
                                   completion(case, estimator.phase[name], c)]
    for name, pages_per_write in others:
        case = _load(root, name)
        if case and pages_per_write:
            phase = stages.tick_phase(case)
            # A rate-limited writer sleeps between its writes.
            turn = None if "rate=" in case.case["fio"] else writer_turn(case, phase, c,
                                                                        pages_per_write,
                                                                        estimator.state_ns)
            out["prediction"] += [turn,
                                  flusher_request(case, phase, c), completion(case, phase, c)]
        elif case:
            out["prediction"].append(saturated(case, c))
    return {k: [r for r in rows if r] for k, rows in out.items()}
