// Blocks of a file system: 4 KiB, as pages are.
#pragma once

#include "sim/base/units.hpp"

namespace wbsim::fs {

using FsBlocks = Amount<struct FsBlocksTag>;
using FsBlock = Point<FsBlocks>;  // block number on the device

constexpr Lba lba_of(FsBlock block) { return wbsim::lba_of(PageIndex{block.value()}); }
constexpr PageIndex page_of(FsBlock block) { return PageIndex{block.value()}; }
constexpr FsBlocks to_blocks(Pages n) { return FsBlocks{n.count()}; }
constexpr Pages to_pages(FsBlocks n) { return Pages{n.count()}; }

}  // namespace wbsim::fs
