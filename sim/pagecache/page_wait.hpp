// Sleeping until a page has changed its state.
#pragma once

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/task.hpp"

namespace wbsim::pagecache {

[[nodiscard]] bool under_writeback(const AddressSpace& mapping, PageIndex page);
// True while the page is being read, or a part of it is about to be written.
[[nodiscard]] bool locked(const AddressSpace& mapping, PageIndex page);

// Models: wait_on_page_writeback() and wait_on_page_locked(). The thread's plug is issued when it
// goes to sleep. It may find the page gone when it runs again: reclaim frees what is clean.
engine::Task<> wait_on_page_writeback(TaskContext& task, AddressSpace& mapping, PageIndex page);
engine::Task<> wait_on_page_locked(TaskContext& task, AddressSpace& mapping, PageIndex page);

}  // namespace wbsim::pagecache
