#include "stack/tcb/coverage.h"

namespace lastack {

namespace {

std::array<std::uint32_t, kCells> hits{};

// One case per cell. The assembler comment keeps the compiler from merging them into one block.
#define LASTACK_CELL(n)                  \
  case (n):                              \
    __asm__ volatile("# cell" ::"i"(n)); \
    break;
#define LASTACK_CELLS_10(n) \
  LASTACK_CELL((n) + 0)     \
  LASTACK_CELL((n) + 1)     \
  LASTACK_CELL((n) + 2)     \
  LASTACK_CELL((n) + 3)     \
  LASTACK_CELL((n) + 4)     \
  LASTACK_CELL((n) + 5)     \
  LASTACK_CELL((n) + 6)     \
  LASTACK_CELL((n) + 7)     \
  LASTACK_CELL((n) + 8)     \
  LASTACK_CELL((n) + 9)
#define LASTACK_CELLS_100(n) \
  LASTACK_CELLS_10((n) + 0)  \
  LASTACK_CELLS_10((n) + 10) \
  LASTACK_CELLS_10((n) + 20) \
  LASTACK_CELLS_10((n) + 30) \
  LASTACK_CELLS_10((n) + 40) \
  LASTACK_CELLS_10((n) + 50) \
  LASTACK_CELLS_10((n) + 60) \
  LASTACK_CELLS_10((n) + 70) \
  LASTACK_CELLS_10((n) + 80) \
  LASTACK_CELLS_10((n) + 90)

static_assert(kCells <= 500, "add a row to visit()");

void visit(std::size_t cell) {
  switch (cell) {
    LASTACK_CELLS_100(0)
    LASTACK_CELLS_100(100)
    LASTACK_CELLS_100(200)
    LASTACK_CELLS_100(300)
    LASTACK_CELLS_100(400)
  }
}

}  // namespace

std::string event_text(std::size_t event) {
  static constexpr const char* kClasses[] = {"SYN", "SYN,ACK", "ACK", "FIN", "FIN,ACK", "RST", "RST,ACK", "other"};
  static constexpr const char* kPlaces[] = {"in window", "left", "right"};
  static constexpr const char* kCalls[] = {"passive OPEN", "active OPEN", "SEND", "RECEIVE",
                                           "SHUTDOWN",     "CLOSE",       "ABORT"};
  static constexpr const char* kTimerNames[] = {"retransmission", "persist",     "time-wait",
                                                "user",           "delayed ACK", "keep-alive"};
  constexpr std::size_t segments = kSegmentClasses * kPlacements;
  if (event < segments) return std::string(kClasses[event / kPlacements]) + " " + kPlaces[event % kPlacements];
  if (event < segments + kUserCalls) return kCalls[event - segments];
  return std::string(kTimerNames[(event - segments - kUserCalls) % kTimeouts]) + " timeout";
}

const std::array<std::uint32_t, kCells>& cell_hits() { return hits; }
void reset_cell_hits() { hits.fill(0); }

void hit_cell(State state, std::size_t event) {
  const std::size_t cell = static_cast<std::size_t>(state) * kEvents + event;
  if (hits[cell] != 0xffff'ffffU) ++hits[cell];
  visit(cell);
}

}  // namespace lastack
