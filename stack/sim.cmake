# The simulator: links, a world in virtual time, transcripts and pcapng.
add_library(lastack_sim STATIC
  sim/link.cpp sim/pcapng.cpp sim/recorder.cpp sim/transfer.cpp sim/world.cpp)
target_link_libraries(lastack_sim PUBLIC lastack_core lastack_wire lastack_options)
lastack_test(sim_test SOURCES test/link_test.cpp test/pcapng_test.cpp LIBS lastack_sim)
lastack_test(world_test SOURCES test/expected_test.cpp test/idle_test.cpp test/reader_test.cpp test/short_connections_test.cpp test/world_test.cpp LIBS lastack_sim)
lastack_test(goodput_test SOURCES test/goodput_test.cpp LIBS lastack_sim)
