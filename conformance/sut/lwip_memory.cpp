// How the library's writable segment is found (dl_iterate_phdr), and a heap that is a list of malloc blocks. See the
// header.
#include "conformance/sut/lwip_memory.h"

#include <link.h>
#include <lwip/priv/tcp_priv.h>

#include <cstdlib>
#include <cstring>

namespace lastack::lwip {
namespace {

struct Range {
  std::uintptr_t probe;
  std::uintptr_t first = 0;
  std::uintptr_t last = 0;  // one past the end
};

// The writable segment that holds `probe`, less its read-only-after-relocation part.
int look_into(dl_phdr_info* module, std::size_t, void* data) {
  auto* range = static_cast<Range*>(data);
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = module->dlpi_phdr[i];
    const std::uintptr_t first = module->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) == 0) continue;
    if (range->probe < first || range->probe >= first + segment.p_memsz) continue;
    range->first = first;
    range->last = first + segment.p_memsz;
    for (int j = 0; j < module->dlpi_phnum; ++j) {
      const ElfW(Phdr)& relro = module->dlpi_phdr[j];
      if (relro.p_type != PT_GNU_RELRO) continue;
      const std::uintptr_t end = module->dlpi_addr + relro.p_vaddr + relro.p_memsz;
      if (end > range->first && end <= range->last) range->first = end;
    }
    return std::strstr(module->dlpi_name, "lwip") != nullptr ? 1 : 2;
  }
  return 0;
}

}  // namespace

const LibraryMemory* LibraryMemory::find(const char** reason) {
  static LibraryMemory memory;
  static const char* why = nullptr;
  if (memory.start_ == nullptr && why == nullptr) {
    Range range{reinterpret_cast<std::uintptr_t>(&tcp_ticks)};
    const int found = dl_iterate_phdr(look_into, &range);
    if (found != 1) {
      why = "lwIP's variables are not in a shared library of their own";
    } else {
      memory.start_ = reinterpret_cast<std::byte*>(range.first);  // NOLINT(performance-no-int-to-ptr): of a mapping
      memory.size_ = range.last - range.first;
      memory.save(&memory.pristine_);
    }
  }
  *reason = why;
  return why == nullptr ? &memory : nullptr;
}

void LibraryMemory::save(std::vector<std::byte>* image) const { image->assign(start_, start_ + size_); }

void LibraryMemory::load(const std::vector<std::byte>& image) const { std::memcpy(start_, image.data(), size_); }

struct alignas(std::max_align_t) Heap::Block {
  Heap* owner;
  Block* previous;
  Block* next;
  std::size_t size;
};

Heap::~Heap() {
  for (Block* block = first_; block != nullptr;) {
    Block* const next = block->next;
    std::free(block);
    block = next;
  }
}

void* Heap::allocate(std::size_t size) {
  if (size > kLimit - used_) return nullptr;
  auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + size));
  if (block == nullptr) return nullptr;
  *block = {this, nullptr, first_, size};
  if (first_ != nullptr) first_->previous = block;
  first_ = block;
  used_ += size;
  return block + 1;
}

void Heap::release(void* memory) {
  if (memory == nullptr) return;
  Block* block = static_cast<Block*>(memory) - 1;
  Heap* owner = block->owner;
  (block->previous != nullptr ? block->previous->next : owner->first_) = block->next;
  if (block->next != nullptr) block->next->previous = block->previous;
  owner->used_ -= block->size;
  std::free(block);
}

}  // namespace lastack::lwip
