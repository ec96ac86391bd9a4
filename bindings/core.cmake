# lastack._core, and the launcher ${CMAKE_BINARY_DIR}/lastack that runs the package from the source tree with this build's modules.
pybind11_add_module(lastack_python_core MODULE core.cpp)
target_compile_options(lastack_python_core PRIVATE ${LASTACK_GLUE})
set_target_properties(lastack_python_core PROPERTIES OUTPUT_NAME _core
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/python/lastack)
target_link_libraries(lastack_python_core PRIVATE lastack_options lastack_wire ${CMAKE_DL_LIBS})
if(TARGET lastack_core_sut)
  target_link_libraries(lastack_python_core PRIVATE lastack_core_sut)
  target_compile_definitions(lastack_python_core PRIVATE LASTACK_LINKED_CORE)
endif()
configure_file(lastack.in ${CMAKE_BINARY_DIR}/lastack @ONLY FILE_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# What `pip install .` takes along: the modules, and a folder with the shape of the source tree (see lastack/__init__.py).
add_custom_target(lastack_python_package DEPENDS lastack_python_core)
install(TARGETS lastack_python_core LIBRARY DESTINATION lastack COMPONENT python EXCLUDE_FROM_ALL)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/scenarios DESTINATION lastack/data COMPONENT python EXCLUDE_FROM_ALL
  PATTERN __pycache__ EXCLUDE)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/conformance/catalogue DESTINATION lastack/data/conformance COMPONENT python EXCLUDE_FROM_ALL)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/conformance/sut DESTINATION lastack/data/conformance COMPONENT python EXCLUDE_FROM_ALL
  FILES_MATCHING PATTERN "*.py" PATTERN "*.toml" PATTERN "*.md" PATTERN "*.h" PATTERN __pycache__ EXCLUDE)
foreach(stack core lwip so)
  if(TARGET lastack-sut-${stack})
    add_dependencies(lastack_python_package lastack-sut-${stack})
    install(TARGETS lastack-sut-${stack} RUNTIME DESTINATION lastack/data/build/sut COMPONENT python EXCLUDE_FROM_ALL)
  endif()
endforeach()
