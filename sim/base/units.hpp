// Strong types for simulated time and for amounts of data.
//
// Lengths (Bytes, Sectors, Pages) and points (Lba, PageIndex, SimTime) are different types, so
// `Bytes + Sectors` and `Lba + Lba` do not compile (see units_test.cpp). The raw integer is
// reached only through count(); conversions are named, inexact ones say floor or ceil.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace wbsim {

// Virtual time. Integer nanoseconds since the simulation's t = 0; may be negative before it.
struct SimClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<SimClock>;
  static constexpr bool is_steady = true;
};
using SimDuration = SimClock::duration;
using SimTime = SimClock::time_point;

inline constexpr SimTime kSimTimeMax = SimTime::max();

constexpr SimDuration nanoseconds(std::int64_t n) { return SimDuration{n}; }
constexpr SimDuration microseconds(std::int64_t n) { return SimDuration{n * 1'000}; }
constexpr SimDuration milliseconds(std::int64_t n) { return SimDuration{n * 1'000'000}; }
constexpr SimDuration seconds(std::int64_t n) { return SimDuration{n * 1'000'000'000}; }
constexpr SimTime at(SimDuration since_start) { return SimTime{since_start}; }

// An amount of something. Supports the arithmetic of a one-dimensional length.
template <class Tag>
class Amount {
 public:
  using rep = std::int64_t;

  constexpr Amount() = default;
  constexpr explicit Amount(rep count) : count_{count} {}

  static constexpr Amount max() { return Amount{std::numeric_limits<rep>::max()}; }

  [[nodiscard]] constexpr rep count() const { return count_; }

  constexpr Amount& operator+=(Amount other) {
    count_ += other.count_;
    return *this;
  }
  constexpr Amount& operator-=(Amount other) {
    count_ -= other.count_;
    return *this;
  }
  constexpr Amount& operator++() {
    ++count_;
    return *this;
  }
  constexpr Amount& operator--() {
    --count_;
    return *this;
  }

  friend constexpr Amount operator+(Amount a, Amount b) { return Amount{a.count_ + b.count_}; }
  friend constexpr Amount operator-(Amount a, Amount b) { return Amount{a.count_ - b.count_}; }
  friend constexpr Amount operator*(Amount a, rep n) { return Amount{a.count_ * n}; }
  friend constexpr Amount operator*(rep n, Amount a) { return Amount{a.count_ * n}; }
  // Truncates toward zero, like C.
  friend constexpr Amount operator/(Amount a, rep n) { return Amount{a.count_ / n}; }
  friend constexpr rep operator/(Amount a, Amount b) { return a.count_ / b.count_; }
  friend constexpr Amount operator%(Amount a, Amount b) { return Amount{a.count_ % b.count_}; }
  friend constexpr auto operator<=>(Amount, Amount) = default;

 private:
  rep count_ = 0;
};

// A position on a line measured in `Length`.
template <class Length>
class Point {
 public:
  using rep = std::int64_t;

  constexpr Point() = default;
  constexpr explicit Point(rep value) : value_{value} {}

  static constexpr Point max() { return Point{std::numeric_limits<rep>::max()}; }

  [[nodiscard]] constexpr rep value() const { return value_; }

  constexpr Point& operator+=(Length n) {
    value_ += n.count();
    return *this;
  }
  constexpr Point& operator-=(Length n) {
    value_ -= n.count();
    return *this;
  }
  constexpr Point& operator++() {
    ++value_;
    return *this;
  }

  friend constexpr Point operator+(Point p, Length n) { return Point{p.value_ + n.count()}; }
  friend constexpr Point operator-(Point p, Length n) { return Point{p.value_ - n.count()}; }
  friend constexpr Length operator-(Point a, Point b) { return Length{a.value_ - b.value_}; }
  friend constexpr auto operator<=>(Point, Point) = default;

 private:
  rep value_ = 0;
};

using Bytes = Amount<struct BytesTag>;
using Sectors = Amount<struct SectorsTag>;  // 512 bytes
using Pages = Amount<struct PagesTag>;      // 4 KiB
using Lba = Point<Sectors>;                 // sector number on a device
using PageIndex = Point<Pages>;             // page number in a file (address_space)
using FileOffset = Point<Bytes>;            // byte position in a file

inline constexpr std::int64_t kSectorShift = 9;  // SECTOR_SHIFT
inline constexpr std::int64_t kPageShift = 12;   // PAGE_SHIFT on x86-64
inline constexpr Bytes kSectorSize{1 << kSectorShift};
inline constexpr Bytes kPageSize{1 << kPageShift};
inline constexpr Sectors kSectorsPerPage{kPageSize / kSectorSize};

constexpr Bytes kibibytes(std::int64_t n) { return Bytes{n << 10}; }
constexpr Bytes mebibytes(std::int64_t n) { return Bytes{n << 20}; }
constexpr Bytes gibibytes(std::int64_t n) { return Bytes{n << 30}; }

constexpr Bytes to_bytes(Sectors n) { return Bytes{n.count() << kSectorShift}; }
constexpr Bytes to_bytes(Pages n) { return Bytes{n.count() << kPageShift}; }
constexpr Sectors to_sectors(Pages n) { return Sectors{n.count() << (kPageShift - kSectorShift)}; }
constexpr Sectors sectors_floor(Bytes n) { return Sectors{n.count() >> kSectorShift}; }
constexpr Pages pages_floor(Bytes n) { return Pages{n.count() >> kPageShift}; }
constexpr Pages pages_floor(Sectors n) { return Pages{n.count() >> (kPageShift - kSectorShift)}; }
constexpr Pages pages_ceil(Bytes n) { return pages_floor(n + kPageSize - Bytes{1}); }
constexpr PageIndex page_containing(FileOffset at) { return PageIndex{at.value() >> kPageShift}; }
constexpr Lba lba_of(PageIndex page) { return Lba{page.value() << (kPageShift - kSectorShift)}; }
constexpr PageIndex page_of(Lba lba) {
  return PageIndex{lba.value() >> (kPageShift - kSectorShift)};
}

}  // namespace wbsim
