#include <array>

#include "sim/analysis/figures.hpp"
#include "sim/base/check.hpp"

namespace wbsim::analysis {

namespace {

constexpr std::array kFigures{
    FigureInfo{Figure::kThroughput, "throughput", "MB/s",
               "relative error of bytes/s of a job in one direction; the table shows the worst",
               0.02},
    FigureInfo{Figure::kCurve, "dirty_curve", "curve",
               "RMS of the difference of nr_dirty + nr_writeback over the mean of the real one, "
               "from the first I/O on; only where that mean is >= 1000 pages",
               0.05},
    FigureInfo{Figure::kPeak, "dirty_peak", "peak",
               "relative error of the largest nr_dirty + nr_writeback sampled", 0.05},
    FigureInfo{Figure::kBackgroundTime, "background_time", "bg t",
               "relative error of the time from the first I/O until nr_dirty + nr_writeback "
               "exceeds the background threshold",
               0.05},
    FigureInfo{Figure::kFreerunTime, "freerun_time", "free t",
               "the same until it exceeds (background + dirty) / 2", 0.05},
    FigureInfo{Figure::kPauseCount, "pause_count", "pauses",
               "relative error of the number of pauses > 0 where there are >= 30, else the "
               "difference (3 allowed; none where there are none)",
               0.10},
    FigureInfo{Figure::kPauseTotal, "pause_total", "paused",
               "relative error of the sum of pauses, where there are >= 30", 0.10},
    FigureInfo{Figure::kFirstPause, "first_pause", "1st pause",
               "relative error of the time from the first I/O to the first pause", 0.05},
    FigureInfo{Figure::kRequests, "requests", "requests",
               "relative error of the number of requests with data issued", 0.02},
    FigureInfo{Figure::kRequestSize, "request_size", "size",
               "relative error of the mean size of the requests with data issued", 0.02},
    FigureInfo{Figure::kMerges, "merges", "merges",
               "relative error of the number of bios merged into requests", 0.02},
    FigureInfo{Figure::kOrder, "order", "order",
               "1 - edit distance / max(n, m) over (op, sector, size) of block_rq_issue; judged "
               "only where the null model scores below 90 %",
               0.995},
    FigureInfo{Figure::kWbtSteps, "wbt_steps", "wbt",
               "relative error of the number of steps of writeback throttling", 0.10},
    FigureInfo{Figure::kPeriodicStart, "periodic_start", "kupdate t",
               "relative error of the time from the first I/O to the first periodic writeback", 0,
               false},
    FigureInfo{Figure::kWriteP50, "clat_p50", "w p50",
               "relative error of the median write latency (clat) of a job; worst job", 0.05},
    FigureInfo{Figure::kWriteP99, "clat_p99", "w p99", "the same, 99 %", 0.10},
    FigureInfo{Figure::kWriteP999, "clat_p999", "w p99.9", "the same, 99.9 %, where n >= 10000",
               0.20},
    FigureInfo{Figure::kReadP50, "read_clat_p50", "r p50",
               "relative error of the median read latency (clat) of a job; worst job", 0.05},
    FigureInfo{Figure::kReadP99, "read_clat_p99", "r p99", "the same, 99 %", 0.10},
    FigureInfo{Figure::kReadP999, "read_clat_p999", "r p99.9", "the same, 99.9 %, where n >= 10000",
               0.20},
    FigureInfo{Figure::kSyncP50, "fsync_p50", "s p50",
               "relative error of the median latency of fsync and fdatasync of a job; worst job",
               0.05},
    FigureInfo{Figure::kSyncP99, "fsync_p99", "s p99", "the same, 99 %", 0.10},
    FigureInfo{Figure::kSyncP999, "fsync_p999", "s p99.9", "the same, 99.9 %, where n >= 10000",
               0.20},
};

}  // namespace

std::span<const FigureInfo> figure_table() { return kFigures; }

const FigureInfo& info_of(Figure figure) {
  const FigureInfo& info = kFigures[static_cast<std::size_t>(figure)];
  SIM_CHECK(info.figure == figure);
  return info;
}

}  // namespace wbsim::analysis
