// Which cells (state, event) of the core have been met in this process: the core counts them itself
// (stack/tcb/coverage.h).
#include "fuzz/tool.h"
#include "stack/tcb/coverage.h"

namespace lastack::fuzz {

CellReport cell_report() {
  CellReport report;
  report.total = kCells;
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    const std::string name =
        std::string(to_string(static_cast<State>(cell / kEvents))) + ", " + event_text(cell % kEvents);
    const std::uint32_t hits = cell_hits()[cell];
    report.reached += hits != 0 ? 1 : 0;
    if (hits != 0) {
      report.cells.push_back(name + ": " + std::to_string(hits));
    } else {
      report.missing.push_back(name);
    }
  }
  return report;
}

}  // namespace lastack::fuzz
