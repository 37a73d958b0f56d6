"""One line for every component: what one unit of it is."""

MEANINGS = {
    "trace_event": "one enabled trace event, of any category",
    "request_insert": "one request put on a software queue by the plug flush of a sleeper",
    "tick": "one 4 ms tick that finds the CPU busy: interrupt, timer softirq, what they wake on "
            "average",
    "fio_io": "fio's own work between two psync calls",
    "bdp_freerun": "one call of balance_dirty_pages that returns in free run",
    "write_page_new": "one page of a write that enters the cache: allocate, insert, copy, dirty, "
                      "refills amortised",
    "write_call": "one write(2) or read(2): entry, vfs, exit, without its pages",
    "write_page_dirty": "one page of a write that is cached and already dirty",
    "write_page_clean": "one page of a write that is cached and clean: copy and dirty",
    "cache_slot_new": "first page in a 64-page node of the page cache index, random writes",
    "bdp_throttle": "one call of balance_dirty_pages with the full computation; sleeping not "
                    "included",
    "pause_wake": "end of a throttle pause: timer softirq, wake-up and switch; its tick is "
                  "charged apart",
    "flusher_wake": "waking the flusher from balance_dirty_pages, the switch to it included",
    "flusher_turn": "one turn of wb_writeback: background test, queue_io, accounting",
    "flusher_end": "end of wb_workfn after its last turn, plug flush included, issue of requests "
                   "not",
    "bio_merge": "one bio merged into the newest request of the plug",
    "request_get": "one bio that becomes a request: failed merge, tag, initialisation, plug",
    "request_issue": "one request handed to the driver",
    "wb_page": "one page of writeback: lookup, lock, clear dirty, bio, submit; merge or request "
               "apart",
    "flusher_inode": "one writeback_single_inode: list moves, start and end of the page walk",
    "kblockd_hop": "from the insertion of a sleeper's plug to kblockd at work, switch included",
    "irq_complete": "issue to start of service, and end of service to block_rq_complete, together",
    "request_complete": "one completed request, without its pages",
    "page_complete": "one page of a completed request: bio end, end of writeback, bio freed",
    "sleeper_wake": "completion to a task that slept for it running on an idle CPU",
    "flush_submit": "an empty flush from the waiter's wake-up to its request",
    "flush_hop": "a flush request to kblockd at work, switch included",
    "flush_done": "end of the flush request to the end of the request that asked for it",
    "fsync_call": "fsync or O_SYNC: return of the last one, entry of the next up to its first page",
    "fsync_wait": "end of submission of an fsync that goes to sleep: unplug by the sleeper",
    "wb_page_scattered": "added to wb_page when the page is not next to the one before",
    "plug_scan": "one more request of the plug tried for a merge (kernels that try all)",
    "tag_wait": "one sleep for a tag: prepare, wake, try again; sleeper_wake and pages apart",
    "kblockd_return": "kblockd's last issue to the interrupted thread running",
    "rate_io": "a rate-limited fio's I/O: timer interrupt, wake-up, two switches, nanosleep, rate "
               "arithmetic",
    "sample": "one sample of the rig's probe (every 100 ms, nice -20): preemption, work, return",
    "fio_start": "a job that begins on a device with cached pages: invalidating them, waiting for "
                 "its turn",
    "dio_bio": "one bio of direct I/O up to its submission, without its pages",
    "dio_page": "one page of user memory in a bio of direct I/O: pinned and released",
    "dio_end": "the end of one bio of direct I/O",
    "aio_call": "fixed part of one io_submit(2) or io_getevents(2)",
    "aio_iocb": "one I/O of a submission, up to the read or write itself",
    "aio_end": "added to dio_end by an asynchronous I/O: its completion event",
    "fio_prepare": "fio's own work to prepare one asynchronous I/O",
    "fio_reap": "fio's own work for one completed asynchronous I/O, its event read included",
    "read_page": "one cached page of a read: look-up, mark as accessed, copy",
    "readahead": "one decision to read ahead and its bio, without its pages and request",
    "readahead_page": "one page that enters the cache to be read: allocate, insert, add to bio",
    "read_page_end": "one page of a completed read: up to date, unlocked",
    "kswapd_page": "one page reclaimed by kswapd",
    "write_page_full": "added to write_page_new while memory is at its watermark",
}
