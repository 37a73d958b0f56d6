"""Direct and asynchronous I/O: what submission, completion and fio's own work cost."""

from . import stats
from .stages import gaps

DIRECT_PAGES = 16  # of direct-64k-qd1
DEPTH = 32  # of elv-none-qd32: the first so many I/Os are submitted without collecting any


def _spacings(case):
    """From one bio to the next of the same submission, by position in the batch; first left out."""
    rows, at, before = [], 0, None
    for e in case.events:
        if e.name == "block_bio_queue":
            if before is not None and at > 1:
                rows.append((at, e.t - before))
            before, at = e.t, at + 1
        elif e.name == "block_rq_issue":
            before, at = None, 0
    return rows


def _turnarounds(case):
    """From the completion that ends a batch to the first bio of the next one."""
    return gaps(case, "block_rq_complete", "block_bio_queue")


class Direct:
    """Adds its components to an estimator that has those of the buffered path."""

    def __init__(self, estimator):
        self.e = estimator
        self.single = estimator.cases.get("direct-64k-qd1")
        self.batch, self.merged, self.deep = (
            estimator.cases[n] for n in ("plug-random-none", "merge-plug", "elv-none-qd32"))

    def run(self):
        e, eps = self.e, self.e["trace_event"]
        end = eps + e["request_complete"] + e["sleeper_wake"]
        n = int(self.batch.case["fio"].split("iodepth=")[1].split("\n")[0])
        merged = int(self.merged.case["fio"].split("iodepth=")[1].split("\n")[0])
        scans = [e["plug_scan"] * (at - 1) for at, _ in _spacings(self.batch)]
        submit = stats.trimmed_mean([d for _, d in _spacings(self.batch)], 0.0) \
            - sum(scans) / len(scans) - 2 * eps - e["request_get"]
        issues = gaps(self.deep, "block_rq_issue", "block_bio_queue")
        filling = stats.median(issues[1:DEPTH - 1]) - eps - submit
        turning = stats.median(issues[DEPTH:]) - eps - submit
        one = stats.median(_turnarounds(self.batch)) - end - submit
        many = stats.median(_turnarounds(self.merged)) - end - submit
        # turning = prepare + reap + 2 call
        # one     = done + n (prepare + reap) + call
        # many    = merged (done + prepare + reap) + call
        call = (many - merged * one + merged * (n - 1) * turning) \
            / (merged * (2 * n - 1) - 2 * merged + 1)
        done = one - n * turning + (2 * n - 1) * call
        count = len(_turnarounds(self.batch)) + len(_turnarounds(self.merged))
        e.point("aio_call", call, "plug-random-none, merge-plug and elv-none-qd32: turns of 16, 32 "
                                  "and 1 I/Os", count)
        e.point("fio_prepare", filling - call, "elv-none-qd32: issue to the next bio while its "
                                               "queue fills, less call and bio", DEPTH - 2)
        e.point("fio_reap", turning - filling - call, "elv-none-qd32: the same with one event "
                                                      "collected, less that and a call",
                len(issues) - DEPTH)
        e.point("aio_iocb", e["write_call"], "assumed to be as long as write_call", 0)
        e.point("dio_end", done / 2, "assumed: half of the end of an asynchronous I/O", 0)
        e.point("aio_end", done - done / 2, "plug-random-none and merge-plug: end of 16 bios one "
                                            "by one, and of 32 at once", count)
        self.bios(submit, end)

    def bios(self, submit, end):
        e, bio = self.e, submit - self.e["aio_iocb"]
        if self.single is None:
            page = e.reference["dio_page"]["ns"]
            e.point("dio_page", page, "as on the reference kernel", 0)
            e.point("dio_bio", bio - page, "plug-random-none: spacing of bios, less iocb and page",
                    len(_spacings(self.batch)))
            return
        sync = gaps(self.single, "block_rq_complete", "block_bio_queue")
        write = stats.median(sync) - end - e["fio_io"] - e["write_call"] - e["dio_end"]
        page = (write - bio) / (DIRECT_PAGES - 1)
        e.point("dio_page", page, "direct-64k-qd1: 16 pages against one of plug-random-none",
                len(sync))
        e.point("dio_bio", write - DIRECT_PAGES * page, "direct-64k-qd1: completion to the next "
                                                        "bio, less all that is known", len(sync))
