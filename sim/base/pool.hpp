// SlabPool: objects of one type that come and go with every I/O (bios, requests, processes).
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "sim/base/check.hpp"

namespace wbsim {

// Grows by whole slabs and never shrinks, so a simulation in steady state allocates nothing, and
// addresses are stable. Last released is first acquired, while it is still in cache.
//
// Objects still acquired when the pool dies (a run stopped by its time limit) are destroyed.
template <class T>
class SlabPool {
 public:
  explicit SlabPool(std::size_t objects_per_slab = 64) : objects_per_slab_{objects_per_slab} {
    SIM_CHECK(objects_per_slab > 0);
  }
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;
  ~SlabPool() {
    if (in_use_ != 0) {
      destroy_acquired();
    }
  }

  // Constructs a T. The reference is valid until release().
  template <class... Args>
  T& acquire(Args&&... args) {
    if (free_ == nullptr) [[unlikely]] {
      add_slab();
    }
    Cell* const cell = free_;
    Cell* const next_free = cell->next_free;
    T* const object = construct(cell->storage, std::forward<Args>(args)...);
    free_ = next_free;  // only now, so that a throwing constructor leaves the cell free
    ++in_use_;
    return *object;
  }

  // `object` must have come from this pool.
  void release(T& object) {
    SIM_CHECK(in_use_ > 0);
    object.~T();
    // Only the link: Cell{...} would clear the rest of the cell too.
    Cell* const cell = reinterpret_cast<Cell*>(&object);
    new (&cell->next_free) Cell* {free_};
    free_ = cell;
    --in_use_;
  }

  [[nodiscard]] std::size_t in_use() const { return in_use_; }
  [[nodiscard]] std::size_t capacity() const { return slabs_.size() * objects_per_slab_; }

 private:
  union Cell {
    Cell* next_free;
    alignas(T) std::byte storage[sizeof(T)];
  };

  // T() would clear the whole object before its constructor sets the same members.
  static T* construct(void* storage) { return new (storage) T; }
  template <class... Args>
  static T* construct(void* storage, Args&&... args) {
    return new (storage) T(std::forward<Args>(args)...);
  }

  // Not inlined: rare, and its registers would be saved in every acquire().
  [[gnu::noinline]] void add_slab() {
    slabs_.push_back(std::make_unique_for_overwrite<Cell[]>(objects_per_slab_));
    Cell* const cells = slabs_.back().get();
    for (std::size_t i = objects_per_slab_; i > 0; --i) {  // lowest address first out
      cells[i - 1].next_free = free_;
      free_ = &cells[i - 1];
    }
  }

  void destroy_acquired() {
    std::vector<const Cell*> free_cells;
    for (const Cell* cell = free_; cell != nullptr; cell = cell->next_free) {
      free_cells.push_back(cell);
    }
    std::sort(free_cells.begin(), free_cells.end(), std::less<>{});
    for (const auto& slab : slabs_) {
      for (std::size_t i = 0; i < objects_per_slab_; ++i) {
        Cell* const cell = &slab[i];
        if (!std::binary_search(free_cells.begin(), free_cells.end(), cell, std::less<>{})) {
          std::launder(reinterpret_cast<T*>(cell->storage))->~T();
        }
      }
    }
  }

  std::size_t objects_per_slab_;
  std::size_t in_use_ = 0;
  Cell* free_ = nullptr;
  std::vector<std::unique_ptr<Cell[]>> slabs_;
};

}  // namespace wbsim
