# The built-in core behind the C ABI: linked in (lastack_core_sut) and as a shared object (build/sut/lastack_core.so).
add_library(lastack_core_sut STATIC core.cpp core_options.cpp)
target_link_libraries(lastack_core_sut PUBLIC lastack_core)

add_library(lastack_core_so MODULE entry.cpp)
target_compile_definitions(lastack_core_so PRIVATE LASTACK_SUT_ENTRY=lastack_core_sut_entry)
target_link_libraries(lastack_core_so PRIVATE lastack_options lastack_core_sut)
set_target_properties(lastack_core_so PROPERTIES PREFIX "" OUTPUT_NAME lastack_core
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/sut)
