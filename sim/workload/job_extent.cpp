#include "sim/workload/job_extent.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace wbsim::workload {

namespace {

// Divides first: sizes times 100 may overflow.
Bytes share_of(Bytes whole, int percent) {
  return whole / 100 * percent + Bytes{whole.count() % 100 * percent / 100};
}

Bytes start_of(const JobSpec& job, Bytes device_size) {
  Bytes start{job.offset.value()};
  const Bytes step = share_of(device_size, job.offset_increment_percent) * job.clone;
  if (!job.offset_percent) {
    return start + step;
  }
  start += share_of(device_size, *job.offset_percent) + step;
  const Bytes over = start % job.block_size();
  return over == Bytes{0} ? start : start + job.block_size() - over;
}

}  // namespace

JobExtent resolve_extent(const JobSpec& job, Bytes device_size, std::string& problem) {
  const Bytes file_end = std::min(job.file_size.value_or(device_size), device_size);
  const Bytes start = start_of(job, device_size);
  JobExtent extent{FileOffset{start.count()}, Bytes{0}, Bytes{0}};
  if (start >= file_end) {
    problem = fmt::format("offset {} is not below the end of the device, {} bytes", start.count(),
                          file_end.count());
    return extent;
  }
  const Bytes rest = file_end - start;
  Bytes length = rest;
  if (job.size_percent && *job.size_percent != 100) {
    length = std::min(share_of(file_end, *job.size_percent), rest);
    length -= length % job.block_size();
  } else if (job.size && !job.file_size) {
    length = std::min(*job.size, rest);
  }
  if (length < job.block_size_needed()) {
    problem = fmt::format("only {} bytes can be {}, less than one block of {}", length.count(),
                          job.writes ? "written" : "read", job.block_size_needed().count());
    return extent;
  }
  extent.length = length;
  extent.whole_device = length == device_size;
  extent.amount = length;
  if (job.io_size) {
    extent.amount = *job.io_size;
  } else if (job.io_size_percent) {
    extent.amount = share_of(length, *job.io_size_percent);
  } else if (job.file_size && job.size) {
    // filesize bounds the region, size only says how much of it is written.
    extent.amount = std::min(*job.size, length);
  }
  return extent;
}

// Models: setup_files(), fio 3.33.
JobExtent resolve_file_extents(const JobSpec& job, std::string& problem) {
  JobExtent all;
  const auto count = static_cast<std::int64_t>(job.files.size());
  if (!job.size && !job.file_size) {
    problem = "a job on files needs size, or filesize";
    return all;
  }
  const Bytes block = job.block_size();
  const Bytes share{job.size.value_or(Bytes{0}).count() / count};
  const std::int64_t longer = (job.size.value_or(Bytes{0}) - share * count) / block;
  JobSpec of_one = job;
  of_one.size.reset();
  of_one.io_size.reset();
  of_one.io_size_percent.reset();
  of_one.file_size.reset();
  for (std::int64_t i = 0; i < count; ++i) {
    // With size, a file goes so far beyond its offset.
    const Bytes end = job.file_size
                          ? *job.file_size
                          : Bytes{job.offset.value()} + share + (i < longer ? block : Bytes{0});
    if (end - Bytes{job.offset.value()} < job.block_size_needed()) {
      problem = fmt::format("files of {} bytes beyond offset {} are too short for one block of {}",
                            std::max(end - Bytes{job.offset.value()}, Bytes{0}).count(),
                            job.offset.value(), job.block_size_needed().count());
      return all;
    }
    all.files.push_back(resolve_extent(of_one, end, problem));
    if (!problem.empty()) {
      return all;
    }
    all.length += all.files.back().length;
  }
  all.begin = all.files.front().begin;
  all.amount = all.length;
  if (job.io_size) {
    all.amount = *job.io_size;
  } else if (job.io_size_percent) {
    all.amount = share_of(all.length, *job.io_size_percent);
  } else if (job.file_size && job.size) {
    all.amount = std::min(*job.size, all.length);
  }
  return all;
}

}  // namespace wbsim::workload
