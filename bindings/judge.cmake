# lastack._judge: the judge and the trace check for Python.
pybind11_add_module(lastack_python_judge MODULE ${CMAKE_CURRENT_LIST_DIR}/judge.cpp)
target_compile_options(lastack_python_judge PRIVATE ${LASTACK_GLUE})
set_target_properties(lastack_python_judge PROPERTIES OUTPUT_NAME _judge
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/python/lastack)
target_link_libraries(lastack_python_judge PRIVATE lastack_options lastack_trace)
install(TARGETS lastack_python_judge LIBRARY DESTINATION lastack COMPONENT python EXCLUDE_FROM_ALL)
