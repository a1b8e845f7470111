# Which instruction sets the compiler can build for this processor, each with its flags, found by compiling a probe of
# the intrinsics that the vector headers use. Dispatch does not ask for prfchw: where it is missing, a prefetch does
# nothing. Sets BACKPROP_ISAS and BACKPROP_ISA_FLAGS_<isa>.
include(CheckCSourceCompiles)

function(backprop_probe_isa isa header statement)
  set(CMAKE_REQUIRED_FLAGS "${ARGN}")
  string(REPLACE ";" " " CMAKE_REQUIRED_FLAGS "${CMAKE_REQUIRED_FLAGS}")
  set(CMAKE_REQUIRED_QUIET ON)
  check_c_source_compiles("#include <${header}>\nint main(void) { ${statement} return 0; }" BACKPROP_HAVE_${isa})
  if(BACKPROP_HAVE_${isa})
    set(BACKPROP_ISAS ${BACKPROP_ISAS} ${isa} PARENT_SCOPE)
    set(BACKPROP_ISA_FLAGS_${isa} ${ARGN} PARENT_SCOPE)
  endif()
endfunction()

set(BACKPROP_ISAS)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|i[3-6]86)$")
  set(BACKPROP_X86 ON)
endif()
if(BACKPROP_X86 AND CMAKE_SIZEOF_VOID_P EQUAL 8)
  backprop_probe_isa(avx2 immintrin.h "volatile __m256 v = _mm256_set1_ps(1); v = _mm256_fmadd_ps(v, v, v);" -mavx2
                     -mfma -mprfchw)
  backprop_probe_isa(
    avx512 immintrin.h
    "volatile __m512 v = _mm512_set1_ps(1); v = _mm512_maskz_loadu_ps(1, (const float *)&v); v = _mm512_and_ps(v, v);"
    -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprfchw)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  backprop_probe_isa(neon arm_neon.h "volatile float32x4_t v = vdupq_n_f32(1); v = vfmaq_f32(v, v, v);")
endif()
