# Compiler options that every target of ours gets, through the interface library lastack_options.
add_library(lastack_options INTERFACE)
target_include_directories(lastack_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(lastack_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wundef -Werror
  $<$<COMPILE_LANGUAGE:CXX>:-Wswitch-enum -Wconversion -Wold-style-cast -Woverloaded-virtual>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> # GCC 12 at -O3 warns about every "text" + string (its bug 105651)
  $<$<NOT:$<CONFIG:Release>>:-fno-omit-frame-pointer>)
if(LASTACK_SANITIZE)
  string(REPLACE ";" "," sanitizers "${LASTACK_SANITIZE}")
  target_compile_options(lastack_options INTERFACE -fsanitize=${sanitizers} -fno-sanitize-recover=all)
  target_link_options(lastack_options INTERFACE -fsanitize=${sanitizers})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND sanitizers MATCHES undefined)
    target_compile_options(lastack_options INTERFACE -fsanitize=unsigned-integer-overflow
      -fsanitize-ignorelist=${CMAKE_CURRENT_LIST_DIR}/sanitize-ignore.txt)
    target_link_options(lastack_options INTERFACE -fsanitize=unsigned-integer-overflow)
  endif()
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND sanitizers MATCHES address)
    # Null pointers and objects that are too small AddressSanitizer notices too; vptr and function look for calls through
    # pointers of another type. Together a tenth of the build's time; the preset fuzz-ubsan has them all.
    target_compile_options(lastack_options INTERFACE -fno-sanitize=null,object-size,vptr,function)
  endif()
endif()

# What only puts JSON together or converts between C++ and Python: nothing waits for it, and the optimiser takes a third
# of its compile time (half of it when sanitized).
if(LASTACK_SANITIZE)
  set(LASTACK_GLUE -O0)
else()
  set(LASTACK_GLUE -O1)
endif()

if(LASTACK_COVERAGE)
  target_compile_options(lastack_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(lastack_options INTERFACE -fprofile-instr-generate)
endif()

# lastack_test(NAME SOURCES... LIBS...): one GoogleTest executable, registered with ctest test by test.
function(lastack_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT LASTACK_TESTS)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE lastack_options ${arg_LIBS} GTest::gtest_main)
  # A test's own code is cheap to run and dear to compile: what it tests lies in the libraries, which are optimised.
  target_compile_options(${name} PRIVATE -O0)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
endfunction()
