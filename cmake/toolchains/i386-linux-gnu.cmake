# 32-bit x86 on a 64-bit Debian: gcc -m32 (package gcc-12-multilib; gcc-multilib, which would replace the compiler for
# ARM, has no more than the folder asm), and packages for i386, unpacked in the build folder.
# `dpkg --add-architecture i386` makes them known.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER gcc)
set(CMAKE_C_FLAGS_INIT "-m32 -idirafter /usr/include/x86_64-linux-gnu")
set(CMAKE_LIBRARY_ARCHITECTURE i386-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR env) # it runs here: no emulator

set(CMAKE_FIND_ROOT_PATH ${CMAKE_BINARY_DIR}/i386)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# The link libz.so leads out of the folder.
set(ZLIB_LIBRARY ${CMAKE_FIND_ROOT_PATH}/lib/i386-linux-gnu/libz.so.1 CACHE FILEPATH "")

get_property(trying GLOBAL PROPERTY IN_TRY_COMPILE)
if(NOT trying)
  execute_process(
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/unpack-packages.sh ${CMAKE_FIND_ROOT_PATH} libcmocka0:i386 libcmocka-dev:i386
            libsleef3:i386 libsleef-dev:i386 zlib1g:i386 zlib1g-dev:i386
    COMMAND_ERROR_IS_FATAL ANY)
endif()
