# The core: tcb, tcp and host.
add_library(lastack_core STATIC
  tcb/byte_ring.cpp tcb/congestion.cpp tcb/coverage.cpp tcb/cubic.cpp tcb/invariants.cpp tcb/packed_tcb.cpp tcb/receive_queue.cpp tcb/rtt.cpp
  tcb/scoreboard.cpp tcb/state.cpp tcb/tcb.cpp
  host/calls.cpp host/fast_open.cpp host/half_open.cpp host/host.cpp host/icmp.cpp host/idle.cpp host/isn.cpp
  host/passive_open.cpp host/receive.cpp host/records.cpp host/syn_cookie.cpp host/time_wait.cpp host/timers_of_host.cpp
  tcp/accounts.cpp tcp/ack_text_fin.cpp tcp/call_error.cpp tcp/closed_listen.cpp tcp/control.cpp tcp/duplicate.cpp tcp/ecn.cpp tcp/expected.cpp tcp/fast_open.cpp tcp/icmp_error.cpp tcp/loss_recovery.cpp
  tcp/newreno.cpp tcp/output.cpp tcp/path_mtu.cpp tcp/rack.cpp tcp/sack_recovery.cpp tcp/segment_arrives.cpp tcp/send_limits.cpp tcp/settle_timers.cpp
  tcp/spurious.cpp tcp/steady.cpp tcp/syn_sent.cpp tcp/timeouts.cpp tcp/user_calls.cpp tcp/user_timeout.cpp)
target_link_libraries(lastack_core PUBLIC lastack_wire)
target_compile_definitions(lastack_core PRIVATE LASTACK_MUT=${LASTACK_MUT})
# Invariants and state-by-event cells are checked and counted in every build but Release.
target_compile_definitions(lastack_core PUBLIC $<$<NOT:$<CONFIG:Release>>:LASTACK_INVARIANTS>
  $<$<NOT:$<CONFIG:Release>>:LASTACK_CELLS>)

lastack_test(core_test SOURCES test/congestion_test.cpp test/duplicate_test.cpp test/ecn_test.cpp test/extensions_test.cpp test/fast_open_test.cpp
  test/flood_test.cpp test/host_parts_test.cpp test/output_test.cpp test/recovery_test.cpp test/scoreboard_test.cpp
  test/segment_arrives_closed_listen_test.cpp test/segment_arrives_other_test.cpp test/segment_arrives_syn_sent_test.cpp
  test/time_wait_test.cpp test/user_calls_test.cpp test/user_timeout_test.cpp LIBS lastack_core)
if(LASTACK_SANITIZE AND TARGET core_test)
  target_compile_definitions(core_test PRIVATE LASTACK_SCALED_DOWN)
endif()
