# aeplugin_find_torch(): target aeplugin_libtorch for the LibTorch inside the torch wheel on CMAKE_PREFIX_PATH, or that
# of the Python found first on the PATH. Torch's own CMake files ask for CUDA where the wheel was built with it; headers
# and three libraries are all that a CPU engine needs.
function(aeplugin_find_torch)
  execute_process(
    COMMAND python3 -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE _python_torch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(TRANSFORM CMAKE_PREFIX_PATH APPEND "/torch" OUTPUT_VARIABLE _folders)
  find_path(AEPLUGIN_TORCH_DIR NAMES include/torch/script.h HINTS ${_folders} ${_python_torch} ${CMAKE_PREFIX_PATH}
            DOC "The torch folder of site-packages, or a LibTorch")
  if(NOT AEPLUGIN_TORCH_DIR)
    message(FATAL_ERROR "LibTorch is not found: install torch==2.13.0 or set AEPLUGIN_TORCH_DIR to a LibTorch")
  endif()
  add_library(aeplugin_libtorch INTERFACE)
  # System headers, because they do not compile under the project's warnings.
  target_include_directories(aeplugin_libtorch SYSTEM INTERFACE
    ${AEPLUGIN_TORCH_DIR}/include ${AEPLUGIN_TORCH_DIR}/include/torch/csrc/api/include)
  target_link_directories(aeplugin_libtorch INTERFACE ${AEPLUGIN_TORCH_DIR}/lib)
  target_link_libraries(aeplugin_libtorch INTERFACE torch torch_cpu c10)
endfunction()
