# Cross build for 64-bit ARM on Debian, run by qemu. Packages: tests/emulators/packages.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)

# Debian's pthreadpool, unlike the other libraries, cannot be installed for two processors at once: it is unpacked
# beside the build instead. (Compile checks run this file again, with a build directory of their own.)
if(NOT CMAKE_IN_TRY_COMPILE)
  set(packages ${CMAKE_BINARY_DIR}/packages)
  execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/unpack-packages.sh ${packages} libpthreadpool0:arm64
                          libpthreadpool-dev:arm64 RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "pthreadpool for arm64 cannot be had")
  endif()
endif()

# The machine's own folders stay searched: Debian keeps libraries of all processors there, in folders of their own.
set(CMAKE_FIND_ROOT_PATH ${packages} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
