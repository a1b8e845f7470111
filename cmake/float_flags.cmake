# Flags that let the compiler compute with floats otherwise than the source says are refused: a library built with them
# has other bits than those promised. They come by CFLAGS, CMAKE_C_FLAGS or a parent project's compile options.
# kernels/backend.h looks once more at what a compiler tells about itself; clang tells little.
set(refused_flags
    -Ofast
    "-ffp-model=(fast|aggressive)"
    -ffast-math
    -funsafe-math-optimizations
    -fassociative-math
    -freciprocal-math
    -ffinite-math-only
    "-fno-honor-(nans|infinities)"
    -fno-signed-zeros
    -fapprox-func
    -fsingle-precision-constant
    "-fdenormal-fp-math(-f32)?=.*(preserve-sign|positive-zero|dynamic).*"
    "-menable-(unsafe-fp-math|no-nans|no-infs)"
    "-m(recip.*|daz-ftz)"
    "-mfpmath=.*(387|both).*")
list(JOIN refused_flags "|" refused_flags)

get_directory_property(flags COMPILE_OPTIONS)
list(APPEND flags ${CMAKE_C_COMPILER_ARG1} ${CMAKE_C_FLAGS})
foreach(config IN LISTS CMAKE_BUILD_TYPE CMAKE_CONFIGURATION_TYPES)
  string(TOUPPER ${config} config)
  list(APPEND flags ${CMAKE_C_FLAGS_${config}})
endforeach()
# Conditions of generator expressions come apart, too: what they hold counts as if it were there.
string(REGEX REPLACE "[^-A-Za-z0-9=_,.+!]+" ";" flags "${flags}")
foreach(flag IN LISTS flags)
  if(flag MATCHES "^(${refused_flags})$")
    message(FATAL_ERROR "backprop: the compiler's flag ${flag} changes the bits of results, which the library promises "
                        "to be the same everywhere; leave it out of CFLAGS, CMAKE_C_FLAGS and compile options")
  endif()
endforeach()
