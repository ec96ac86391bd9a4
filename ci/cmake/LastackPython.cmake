# The toolchain's Python is the distribution's, whatever stands first on PATH: a pyenv or conda Python there has none of
# the distribution's packages. -DPython_EXECUTABLE=... chooses another one.
if(NOT LASTACK_PYTHON)
  return()
endif()
if(NOT DEFINED Python_EXECUTABLE AND EXISTS /usr/bin/python3)
  set(Python_EXECUTABLE /usr/bin/python3 CACHE FILEPATH "The Python that runs and imports lastack")
endif()
set(PYBIND11_FINDPYTHON ON)
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)

# pip has the build in an environment of its own, without what the package needs when it runs.
if(SKBUILD)
  return()
endif()
foreach(probe "scapy.layers.inet:python3-scapy" "pytest:python3-pytest" "rich:python3-rich" "jinja2:python3-jinja2"
        "click:python3-click" "hypothesis:python3-hypothesis")
  string(REPLACE ":" ";" pair ${probe})
  list(GET pair 0 module)
  list(GET pair 1 package)
  if(LASTACK_PYTHON_PROBED_${module})
    continue()
  endif()
  execute_process(COMMAND ${Python_EXECUTABLE} -c "import ${module}" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  if(failed)
    list(APPEND missing ${package})
  else()
    set(LASTACK_PYTHON_PROBED_${module} TRUE CACHE INTERNAL "")
  endif()
endforeach()
if(missing)
  string(REPLACE ";" " " missing "${missing}")
  message(FATAL_ERROR "${Python_EXECUTABLE} lacks Python packages. Install them with\n"
    "  sudo apt-get install -y ${missing}\n"
    "or choose another Python with -DPython_EXECUTABLE=/path/to/python3")
endif()
