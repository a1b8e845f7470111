# Install rules: both libraries, the headers, and what finds them again, for CMake and for pkg-config.
include(CMakePackageConfigHelpers)
set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/backprop)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/backprop DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/backprop.7 DESTINATION ${CMAKE_INSTALL_MANDIR}/man7)
if(BACKPROP_BUILD_BPCHECK)
  install(FILES ${PROJECT_SOURCE_DIR}/docs/man/bpcheck.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

# Two exports: whoever links the shared library needs nothing else, the static one brings SLEEF and zlib along.
install(TARGETS backprop EXPORT backprop_shared)
install(EXPORT backprop_shared FILE backprop-shared-targets.cmake NAMESPACE backprop:: DESTINATION ${package_directory})
install(TARGETS backprop_static EXPORT backprop_static)
install(EXPORT backprop_static FILE backprop-static-targets.cmake NAMESPACE backprop:: DESTINATION ${package_directory})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/backpropConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/backpropConfig.cmake INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/backpropConfigVersion.cmake COMPATIBILITY ${BACKPROP_COMPATIBILITY})
install(FILES ${PROJECT_BINARY_DIR}/backpropConfig.cmake ${PROJECT_BINARY_DIR}/backpropConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/FindSLEEF.cmake
        DESTINATION ${package_directory})

# The linker's arguments for a library file: -l alone where the linker looks anyway.
function(backprop_link_arguments library result)
  cmake_path(GET library PARENT_PATH directory)
  cmake_path(GET library STEM LAST_ONLY name)
  string(REGEX REPLACE "^lib" "" name ${name})
  if(directory IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
    set(${result} "-l${name}" PARENT_SCOPE)
  else()
    set(${result} "-L${directory} -l${name}" PARENT_SCOPE)
  endif()
endfunction()
set(sleef_arguments -lsleef)
set(zlib_arguments -lz)
# Nothing is known of the files of a parent project's own targets.
if(SLEEF_LIBRARY)
  backprop_link_arguments(${SLEEF_LIBRARY} sleef_arguments)
endif()
if(ZLIB_LIBRARIES)
  backprop_link_arguments(${ZLIB_LIBRARIES} zlib_arguments)
endif()

# The installed tree can be moved as long as its folders lie under the prefix.
set(pc_prefix ${CMAKE_INSTALL_PREFIX})
set(pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
set(pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} AND NOT IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" up ${up})
  set(pc_prefix "\${pcfiledir}/${up}")
  set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/backprop.pc.in ${PROJECT_BINARY_DIR}/backprop.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/backprop.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
