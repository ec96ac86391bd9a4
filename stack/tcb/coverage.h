// State-by-event coverage: which of the cells (state, event) an execution has met. Counted when LASTACK_CELLS is
// defined (every build type but Release); the fuzz targets see each cell as an edge of its own through a switch with
// one case per cell, so that any engine is rewarded for a new one. Process-wide counters: they observe the core and
// never feed back into it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "stack/tcb/state.h"

namespace lastack {

enum class SegmentClass : std::uint8_t { syn, syn_ack, ack, fin, fin_ack, rst, rst_ack, other };
inline constexpr std::size_t kSegmentClasses = 8;
// Where SEG.SEQ lies relative to the receive window. In states without RCV.NXT everything counts as in_window.
enum class Placement : std::uint8_t { in_window, left, right };
inline constexpr std::size_t kPlacements = 3;
enum class UserCall : std::uint8_t { open_passive, open_active, send, receive, shutdown, close, abort };
inline constexpr std::size_t kUserCalls = 7;
// The six timers, in the order of TimerKind.
inline constexpr std::size_t kTimeouts = 6;

inline constexpr std::size_t kEvents = kSegmentClasses * kPlacements + kUserCalls + kTimeouts;
inline constexpr std::size_t kCells = kStates * kEvents;

constexpr std::size_t segment_event(SegmentClass segment, Placement placement) {
  return static_cast<std::size_t>(segment) * kPlacements + static_cast<std::size_t>(placement);
}
constexpr std::size_t call_event(UserCall call) {
  return kSegmentClasses * kPlacements + static_cast<std::size_t>(call);
}
constexpr std::size_t timeout_event(std::size_t timer) { return kSegmentClasses * kPlacements + kUserCalls + timer; }

// "RST,ACK left", "SEND", "retransmit timeout".
std::string event_text(std::size_t event);
// Hits by cell: index state * kEvents + event. All zero when LASTACK_CELLS is not defined.
const std::array<std::uint32_t, kCells>& cell_hits();
void reset_cell_hits();
void hit_cell(State state, std::size_t event);

#if defined(LASTACK_CELLS)
inline void cover(State state, std::size_t event) { hit_cell(state, event); }
#else
inline void cover(State /*state*/, std::size_t /*event*/) {}
#endif

}  // namespace lastack
