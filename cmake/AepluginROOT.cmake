# aeplugin_find_root(COMPONENTS...): find_package(ROOT), also where ROOT is the Python wheel.
#
# The wheel's CMake files speak of a folder mock_site_packages beside them that does not exist. A link of that name to
# site-packages in the build folder gives them what they expect. Its libraries need others from root.libs, which the
# linker finds only when told where they are: executables need the link options in AEPLUGIN_ROOT_LINK_OPTIONS.
macro(aeplugin_find_root)
  set(_wheel "")
  set(AEPLUGIN_ROOT_LINK_OPTIONS "")
  # A ROOT that the user set up comes first.
  if(NOT DEFINED ENV{ROOTSYS} AND (NOT ROOT_DIR OR ROOT_DIR MATCHES "mock_site_packages"))
    aeplugin_find_root_wheel(_wheel)
  endif()
  if(_wheel)
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/include")
    file(CREATE_LINK "${_wheel}" "${CMAKE_BINARY_DIR}/mock_site_packages" SYMBOLIC)
    set(ROOT_DIR "${CMAKE_BINARY_DIR}/mock_site_packages/ROOT/cmake" CACHE PATH "ROOT's CMake files" FORCE)
    set(AEPLUGIN_ROOT_LINK_OPTIONS "-Wl,-rpath-link,${_wheel}/root.libs")
  endif()
  find_package(ROOT 6.36 CONFIG REQUIRED COMPONENTS ${ARGN})
endmacro()

# The site-packages folder that holds the wheel: on CMAKE_PREFIX_PATH, or that of the Python found first on the PATH.
function(aeplugin_find_root_wheel result)
  execute_process(
    COMMAND python3 -c "import importlib.util as u, os; print(os.path.dirname(u.find_spec('ROOT').submodule_search_locations[0]))"
    OUTPUT_VARIABLE _python_site OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  foreach(_folder IN LISTS CMAKE_PREFIX_PATH _python_site)
    if(EXISTS "${_folder}/ROOT/cmake/ROOTConfig.cmake")
      set(${result} "${_folder}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${result} "" PARENT_SCOPE)
endfunction()
