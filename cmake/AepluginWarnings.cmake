# aeplugin_warnings(TARGET): the warnings that all of the project's own code compiles under.
function(aeplugin_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion)
  if(AEPLUGIN_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
