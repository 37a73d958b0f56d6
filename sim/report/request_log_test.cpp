#include "sim/report/request_log.hpp"

#include <gtest/gtest.h>

namespace wbsim::report {
namespace {

using engine::RequestStep;

RunInfo two_disks() {
  RunInfo info;
  info.devices = {{"sda"}, {"sdb"}};
  return info;
}

constexpr const char* kHeader =
    "device,rwbs,sector,sectors,bios,allocated_ns,issued_ns,completed_ns,error\n";

TEST(RequestLog, WritesARowForEachCompletedRequest) {
  StringSink sink;
  RequestLog log{two_disks(), sink};
  const engine::RequestTrace trace{.time = at(nanoseconds(30)),
                                   .device = 1,
                                   .sector = Lba{2048},
                                   .length = Sectors{16},
                                   .rwbs = {.write = true, .fua = true, .sync = true},
                                   .error = -5,
                                   .bios = 2,
                                   .started = at(nanoseconds(10)),
                                   .issued = at(nanoseconds(20))};
  log.on_request(RequestStep::kInsert, trace);
  log.on_request(RequestStep::kIssue, trace);
  EXPECT_EQ(sink.text(), kHeader);
  log.on_request(RequestStep::kComplete, trace);
  EXPECT_EQ(sink.text(), std::string{kHeader} + "sdb,WFS,2048,16,2,10,20,30,-5\n");
}

TEST(RequestLog, AFlushHasNoSectors) {
  StringSink sink;
  RequestLog log{two_disks(), sink};
  log.on_request(RequestStep::kComplete, {.time = at(nanoseconds(9)),
                                          .sector = Lba{-1},
                                          .rwbs = {.flush = true},
                                          .started = at(nanoseconds(1)),
                                          .issued = at(nanoseconds(2))});
  EXPECT_EQ(sink.text(), std::string{kHeader} + "sda,FF,0,0,1,1,2,9,0\n");
}

TEST(RequestLog, TheEndOfAnEmptyFlushSequenceIsNoRequest) {
  StringSink sink;
  RequestLog log{two_disks(), sink};
  log.on_request(RequestStep::kComplete, {.rwbs = {.write = true, .preflush = true}});
  EXPECT_EQ(sink.text(), kHeader);
}

TEST(RequestLog, NamesFlagsAsBlktraceDoes) {
  EXPECT_EQ(rwbs_text({}), "R");
  EXPECT_EQ(rwbs_text({.write = true}), "W");
  EXPECT_EQ(rwbs_text({.write = true, .preflush = true, .sync = true}), "FWS");
  EXPECT_EQ(rwbs_text({.sync = true}), "RS");
  EXPECT_EQ(rwbs_text({.ahead = true}), "RA");
}

}  // namespace
}  // namespace wbsim::report
