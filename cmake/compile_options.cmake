# What every C file of this project is compiled with, whatever a parent project or the command line sets for all:
# variables that begin the properties of targets, and one interface target.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_UNITY_BUILD OFF) # files are closed worlds, with names of their own
set(CMAKE_INTERPROCEDURAL_OPTIMIZATION OFF)
if(NOT PROJECT_IS_TOP_LEVEL)
  foreach(tool CLANG_TIDY CPPCHECK CPPLINT INCLUDE_WHAT_YOU_USE)
    set(CMAKE_C_${tool})
  endforeach()
endif()

add_library(backprop_compile_options INTERFACE)
target_compile_options(
  backprop_compile_options
  INTERFACE -Wall
            -Wextra
            -Wno-missing-field-initializers # structs grow, and what is left out is zero
            -Wpedantic
            -Wshadow
            -Wvla
            $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes
            -Wmissing-prototypes
            -Werror=implicit-function-declaration>
            # The numerics contract: a multiply and an add are fused only where the source says fma.
            -ffp-contract=off)

# Limits of 2^32 keep themselves where sizes are no longer.
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
  target_compile_options(backprop_compile_options INTERFACE -Wno-type-limits)
endif()
# The x87 unit of 32-bit x86 rounds to more than binary32.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|i[3-6]86)$" AND CMAKE_SIZEOF_VOID_P EQUAL 4)
  target_compile_options(backprop_compile_options INTERFACE -msse2 -mfpmath=sse)
endif()

option(BACKPROP_WARNINGS_AS_ERRORS "Treat compiler warnings as errors" ${PROJECT_IS_TOP_LEVEL})
if(BACKPROP_WARNINGS_AS_ERRORS)
  target_compile_options(backprop_compile_options INTERFACE -Werror)
elseif(NOT PROJECT_IS_TOP_LEVEL)
  # The parent's warnings, errors maybe, are for its own sources.
  target_compile_options(backprop_compile_options INTERFACE -w)
endif()

set(BACKPROP_SANITIZE "" CACHE STRING "Sanitizers for all targets, as after -fsanitize=")
if(BACKPROP_SANITIZE)
  add_compile_options(-fsanitize=${BACKPROP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BACKPROP_SANITIZE})
endif()
