# One interface target with what every C file of this project is compiled with.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
add_library(backprop_compile_options INTERFACE)
target_compile_options(
  backprop_compile_options
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wvla
            $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes
            -Wmissing-prototypes
            -Werror=implicit-function-declaration>
            # The numerics contract: a multiply and an add are fused only where the source says fma.
            -ffp-contract=off)

option(BACKPROP_WARNINGS_AS_ERRORS "Treat compiler warnings as errors" ${PROJECT_IS_TOP_LEVEL})
if(BACKPROP_WARNINGS_AS_ERRORS)
  target_compile_options(backprop_compile_options INTERFACE -Werror)
endif()

set(BACKPROP_SANITIZE "" CACHE STRING "Sanitizers for all targets, as after -fsanitize=")
if(BACKPROP_SANITIZE)
  add_compile_options(-fsanitize=${BACKPROP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BACKPROP_SANITIZE})
endif()
