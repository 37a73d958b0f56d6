// Each rule of models/ssd.hpp, on a device of two channels with two dies each
// (test_parameters.hpp). Pages of 16 KiB: page n is on die n mod 4, die n on channel n mod 2.
#include "models/ssd.hpp"

#include <gtest/gtest.h>

#include "models/device_test_util.hpp"
#include "models/test_parameters.hpp"

namespace wbsim::models {
namespace {

using block::DeviceOp;
using block::SubmitResult;

constexpr std::int64_t kUs = 1000;
constexpr std::int64_t kPage = 32;      // sectors
constexpr std::int64_t k4Kib = 4096;    // ns that 4 KiB take on a channel or the link
constexpr std::int64_t k16Kib = 16384;  // and 16 KiB

class SsdTest : public testing::Test {
 protected:
  void make(const SsdParameters& p) {
    ssd_ = std::make_unique<Ssd>(sim_, p);
    ssd_->attach(client_);
  }
  SubmitResult read(std::int64_t sector, std::int64_t sectors = 8) {
    return client_.submit(*ssd_, DeviceOp::kRead, sector, sectors);
  }
  SubmitResult write(std::int64_t sector, std::int64_t sectors = 8, bool fua = false) {
    return client_.submit(*ssd_, DeviceOp::kWrite, sector, sectors, fua);
  }
  SubmitResult flush() { return client_.submit(*ssd_, DeviceOp::kFlush, 0, 0); }
  // An event at the end, because the clock of an idle simulation stands.
  void run(std::int64_t until_ns) {
    sim_.schedule(alarm_, at(nanoseconds(until_ns)));
    sim_.run(at(nanoseconds(until_ns)));
  }
  void run() { sim_.run(kSimTimeMax); }
  [[nodiscard]] bool durable(std::int64_t sector) const {
    return ssd_->is_durable(Lba{sector}, Sectors{1});
  }
  [[nodiscard]] std::int64_t end(int tag) const { return client_.end_ns(tag); }

  engine::Simulator sim_;
  engine::Event alarm_{[](void*) {}, nullptr};
  RecordingClient client_{sim_};
  std::unique_ptr<Ssd> ssd_;
};

TEST_F(SsdTest, AReadTakesDieChannelLinkAndLatency) {
  make(small_ssd());
  read(0);
  run();
  EXPECT_EQ(end(0), 50 * kUs + k4Kib + 1 * kUs + k4Kib + 10 * kUs);
}

TEST_F(SsdTest, ReadsOfOneDieWaitForEachOther) {
  make(small_ssd());
  read(0);
  read(4 * kPage);
  read(kPage);  // another die and channel
  run();
  EXPECT_EQ(end(1) - end(0), 50 * kUs);
  EXPECT_EQ(end(2) - end(0), 1 * kUs + k4Kib) << "only the link is shared";
}

TEST_F(SsdTest, DiesOfOneChannelReadTogetherAndTransferInTurn) {
  SsdParameters p = small_ssd();
  p.read_link_per_second = Bytes{1'000'000'000'000};
  p.read_command = SimDuration{};
  make(p);
  read(0, kPage);
  read(2 * kPage, kPage);
  run();
  EXPECT_EQ(end(1) - end(0), k16Kib);
}

TEST_F(SsdTest, AReadOfSeveralPagesUsesSeveralDies) {
  make(small_ssd());
  read(0, 4 * kPage);
  run();
  // Two pages on each channel; the link begins with the first and ends a page after the last at
  // the earliest.
  const std::int64_t first = 50 * kUs + k16Kib;
  EXPECT_EQ(end(0), first + 1 * kUs + 4 * k16Kib + 10 * kUs);
}

TEST_F(SsdTest, AWriteIsAcknowledgedFromTheBuffer) {
  make(small_ssd());
  write(0);
  run();
  EXPECT_EQ(end(0), 2 * kUs + k4Kib + 20 * kUs);
  EXPECT_FALSE(durable(0));
  EXPECT_EQ(ssd_->buffered(), kibibytes(4)) << "waits for its page to fill";
}

TEST_F(SsdTest, AFullPageIsProgrammedAndLeavesTheBuffer) {
  make(small_ssd());
  write(0, kPage);
  const std::int64_t received = 2 * kUs + k16Kib + 20 * kUs;
  const std::int64_t programmed = received + k16Kib + 500 * kUs;
  run(programmed - 1);
  EXPECT_EQ(ssd_->buffered(), kibibytes(16));
  run(programmed);
  EXPECT_EQ(ssd_->buffered(), Bytes{0});
}

TEST_F(SsdTest, AWriteWaitsForRoomInTheBuffer) {
  make(small_ssd());
  for (int i = 0; i < 5; ++i) {
    write(i * 64, 64);  // 32 KiB of 128
  }
  run();
  const std::int64_t receive = 2 * kUs + 2 * k16Kib;
  EXPECT_EQ(end(3), 4 * receive + 20 * kUs);
  const std::int64_t first_two_pages = receive + 20 * kUs + k16Kib + 500 * kUs;
  EXPECT_EQ(end(4), first_two_pages + receive + 20 * kUs);
}

TEST_F(SsdTest, AWriteThatWaitsGetsAHalfFullPageProgrammed) {
  SsdParameters p = small_ssd();
  p.buffer = kibibytes(16);
  make(p);
  write(0, 16);  // 8 KiB, which no page fills
  write(64, 24);
  run();
  const std::int64_t first = 2 * kUs + 8192 + 20 * kUs;
  EXPECT_EQ(end(0), first);
  EXPECT_EQ(end(1), first + 8192 + 500 * kUs + 2 * kUs + 12'288 + 20 * kUs);
}

TEST_F(SsdTest, AWriteLargerThanTheBufferPasses) {
  SsdParameters p = small_ssd();
  p.buffer = kibibytes(16);
  make(p);
  write(0, 128);
  write(128, 8);
  run();
  EXPECT_GT(end(0), 0);
  EXPECT_GT(end(1), end(0) + 500 * kUs);
}

TEST_F(SsdTest, ProgramsGoToOneDieAfterAnother) {
  make(small_ssd());
  for (int i = 0; i < 5; ++i) {
    write(i * kPage, kPage);
  }
  const std::int64_t receive = 2 * kUs + k16Kib;
  const auto programmed = [&](int page) {
    return (page + 1) * receive + 20 * kUs + k16Kib + 500 * kUs;
  };
  run(programmed(3));
  EXPECT_EQ(ssd_->buffered(), kibibytes(16)) << "four dies have programmed one page each";
  run(programmed(0) + k16Kib + 500 * kUs - 1);
  EXPECT_EQ(ssd_->buffered(), kibibytes(16));
  run(programmed(0) + k16Kib + 500 * kUs);
  EXPECT_EQ(ssd_->buffered(), Bytes{0}) << "the fifth came after the first on its die";
}

TEST_F(SsdTest, AReadWaitsForTheProgramOfItsDie) {
  make(small_ssd());
  write(0, kPage);
  const std::int64_t received = 2 * kUs + k16Kib + 20 * kUs;
  run(received);
  read(0);
  read(kPage);
  run();
  const std::int64_t alone = 50 * kUs + k4Kib + 1 * kUs + k4Kib + 10 * kUs;
  EXPECT_EQ(end(1), received + k16Kib + 500 * kUs + alone);
  EXPECT_EQ(end(2), received + alone) << "on another die";
}

TEST_F(SsdTest, AFlushProgramsWhatIsBuffered) {
  make(small_ssd());
  write(0);
  run();
  const std::int64_t start = end(0);
  EXPECT_EQ(flush(), SubmitResult::kAccepted);
  run();
  EXPECT_EQ(end(1), start + k4Kib + 500 * kUs + 100 * kUs);
  EXPECT_TRUE(durable(0));
  EXPECT_EQ(ssd_->buffered(), Bytes{0});
}

TEST_F(SsdTest, AFlushWithNothingToDoTakesNoProgram) {
  make(small_ssd());
  flush();
  run();
  EXPECT_EQ(end(0), 20 * kUs);
  write(0);
  run();
  flush();
  run();
  const std::int64_t flushed = end(2);
  flush();
  run();
  EXPECT_EQ(end(3), flushed + 20 * kUs) << "all was flushed before";
}

TEST_F(SsdTest, AFlushBesideOneUnderWayDoesNotPassIt) {
  SsdParameters p = small_ssd();
  p.queued_flush = true;
  make(p);
  write(0);
  run();
  flush();
  flush();
  run();
  EXPECT_EQ(end(2), end(1));
}

TEST_F(SsdTest, WithPowerLossProtectionAFlushHasNothingToDo) {
  SsdParameters p = small_ssd();
  p.power_loss_protection = true;
  make(p);
  write(0);
  run();
  EXPECT_TRUE(durable(0)) << "as soon as it is acknowledged";
  const std::int64_t start = end(0);
  flush();
  run();
  EXPECT_EQ(end(1), start + 100 * kUs);
  EXPECT_EQ(ssd_->buffered(), kibibytes(4));
}

TEST_F(SsdTest, FuaIsAcknowledgedWhenItIsProgrammed) {
  make(small_ssd());
  write(0, 8, true);
  run();
  EXPECT_EQ(end(0), 2 * kUs + k4Kib + 20 * kUs + k4Kib + 500 * kUs);
  EXPECT_TRUE(durable(0));
}

TEST_F(SsdTest, WithTheBufferOffEveryWriteIsProgrammedFirst) {
  SsdParameters p = small_ssd();
  p.volatile_cache = false;
  make(p);
  write(0);
  run();
  EXPECT_EQ(end(0), 2 * kUs + k4Kib + 20 * kUs + k4Kib + 500 * kUs);
  EXPECT_TRUE(durable(0));
}

TEST_F(SsdTest, OnSataAFlushIsAloneInTheDevice) {
  make(small_ssd());
  read(0);
  EXPECT_EQ(flush(), SubmitResult::kDevResource);
  run();
  EXPECT_EQ(flush(), SubmitResult::kAccepted);
  EXPECT_EQ(read(0), SubmitResult::kDevResource);
  run();
  EXPECT_EQ(read(0), SubmitResult::kAccepted);
}

TEST_F(SsdTest, OnNvmeAFlushIsQueued) {
  SsdParameters p = small_ssd();
  p.queued_flush = true;
  make(p);
  write(0);
  run();
  const std::int64_t start = end(0);
  read(100);
  EXPECT_EQ(flush(), SubmitResult::kAccepted);
  EXPECT_EQ(write(200), SubmitResult::kAccepted);
  run();
  EXPECT_EQ(end(2), start + k4Kib + 500 * kUs + 100 * kUs);
}

TEST_F(SsdTest, AReadWaitsForOneWriteOnTheLinkNotForAll) {
  SsdParameters p = small_ssd();
  p.depth = 16;
  p.buffer = kibibytes(512);
  make(p);
  for (int i = 0; i < 8; ++i) {
    write(64 * i + 1000, 64);  // 34.768 us of the link each
  }
  read(0);  // ready after 54.096 us
  read(8);
  run();
  const std::int64_t write = 2 * kUs + 2 * k16Kib;
  const std::int64_t read = 1 * kUs + k4Kib;
  EXPECT_EQ(end(8), 2 * write + read + 10 * kUs) << "the second write was under way";
  EXPECT_GT(end(9), end(8) + write) << "a write in between";
  EXPECT_LT(end(9), end(7));
}

TEST_F(SsdTest, OneDirectionOfTheLinkDelaysTheOtherOnSataOnly) {
  for (const bool full_duplex : {false, true}) {
    SsdParameters p = small_ssd();
    p.full_duplex = full_duplex;
    engine::Simulator simulator;
    RecordingClient client{simulator};
    Ssd ssd{simulator, p};
    ssd.attach(client);
    client.submit(ssd, DeviceOp::kRead, 0, 8);
    client.submit(ssd, DeviceOp::kWrite, 0, 128);  // takes the link for 67.536 us
    simulator.run(kSimTimeMax);
    const std::int64_t alone = 50 * kUs + k4Kib + 1 * kUs + k4Kib + 10 * kUs;
    EXPECT_EQ(client.end_ns(0), full_duplex ? alone : 67'536 + 1 * kUs + k4Kib + 10 * kUs);
  }
}

}  // namespace
}  // namespace wbsim::models
