# The benchmarks (README.md beside this file). Peers are not part of the build: they are found at run time.
find_package(benchmark QUIET)
if(NOT benchmark_FOUND)
  message(STATUS "No Google Benchmark (libbenchmark-dev): the benchmarks are left out")
  return()
endif()

add_library(lastack_bench_work STATIC
  ${CMAKE_CURRENT_LIST_DIR}/contenders.cpp ${CMAKE_CURRENT_LIST_DIR}/core_contender.cpp
  ${CMAKE_CURRENT_LIST_DIR}/work.cpp ${CMAKE_CURRENT_LIST_DIR}/smoke.cpp)
# Each program links only the parts that it uses: one object for each file, in a build of several files at once, too.
set_target_properties(lastack_bench_work PROPERTIES UNITY_BUILD OFF)
target_link_libraries(lastack_bench_work PUBLIC lastack_core ${CMAKE_DL_LIBS})
target_compile_definitions(lastack_bench_work PRIVATE
  LASTACK_VERSION=${PROJECT_VERSION} LASTACK_BENCH_BUILD=$<IF:$<BOOL:${CMAKE_BUILD_TYPE}>,${CMAKE_BUILD_TYPE},none>)

add_executable(lastack_bench ${CMAKE_CURRENT_LIST_DIR}/speed.cpp)
target_link_libraries(lastack_bench PRIVATE lastack_bench_work benchmark::benchmark)

add_executable(lastack_bench_count ${CMAKE_CURRENT_LIST_DIR}/count.cpp ${CMAKE_CURRENT_LIST_DIR}/heap.cpp)
target_link_libraries(lastack_bench_count PRIVATE lastack_bench_work)

# Goodput over a simulated path, for every contender the same.
add_executable(lastack_bench_goodput ${CMAKE_CURRENT_LIST_DIR}/goodput.cpp ${CMAKE_CURRENT_LIST_DIR}/core_path.cpp)
target_link_libraries(lastack_bench_goodput PRIVATE lastack_sim ${CMAKE_DL_LIBS})

# The judge against a bare loop around libpcap, on a capture that the Linux kernel makes.
find_library(PCAP_LIBRARY pcap)
if(PCAP_LIBRARY)
  add_executable(lastack_bench_capture ${CMAKE_CURRENT_LIST_DIR}/linux_capture.cpp)
  target_link_libraries(lastack_bench_capture PRIVATE lastack_options ${PCAP_LIBRARY})
  add_executable(lastack_bench_judge ${CMAKE_CURRENT_LIST_DIR}/judge_speed.cpp)
  target_link_libraries(lastack_bench_judge PRIVATE lastack_trace ${PCAP_LIBRARY})
  # Our reader and decapsulation against libraries; libtins is not needed for anything else.
  add_executable(lastack_bench_readers ${CMAKE_CURRENT_LIST_DIR}/readers.cpp)
  target_link_libraries(lastack_bench_readers PRIVATE lastack_trace ${PCAP_LIBRARY})
  find_library(LIBTINS_LIBRARY tins)
  if(LIBTINS_LIBRARY)
    target_compile_definitions(lastack_bench_readers PRIVATE LASTACK_LIBTINS)
    target_link_libraries(lastack_bench_readers PRIVATE ${LIBTINS_LIBRARY})
  endif()
endif()

if(LASTACK_TESTS)
  add_test(NAME bench_smoke COMMAND lastack_bench_count smoke)
  add_test(NAME bench_goodput_smoke COMMAND lastack_bench_goodput smoke)
  add_test(NAME bench_tiny COMMAND lastack_bench --benchmark_filter=^bulk/ --benchmark_min_time=0.01)
endif()
