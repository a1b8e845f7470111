# The target `docs`: docs/ and the public headers as web pages, in docs/html of the build folder. A warning is an error.
find_package(Doxygen 1.9 QUIET)
find_package(Python3 QUIET COMPONENTS Interpreter)
if(NOT DOXYGEN_FOUND OR NOT Python3_FOUND)
  return()
endif()

# Debian's package doxygen-awesome-css. Without it the pages have Doxygen's own looks.
find_path(DOXYGEN_AWESOME_CSS_DIR doxygen-awesome.css PATH_SUFFIXES share/doxygen-awesome-css)
mark_as_advanced(DOXYGEN_AWESOME_CSS_DIR)
set(BACKPROP_DOCS_STYLES)
if(DOXYGEN_AWESOME_CSS_DIR)
  string(CONCAT BACKPROP_DOCS_STYLES "\"${DOXYGEN_AWESOME_CSS_DIR}/doxygen-awesome.css\" "
                "\"${DOXYGEN_AWESOME_CSS_DIR}/doxygen-awesome-sidebar-only.css\" "
                "\"${PROJECT_SOURCE_DIR}/docs/site.css\"")
endif()

configure_file(${PROJECT_SOURCE_DIR}/docs/Doxyfile.in ${PROJECT_BINARY_DIR}/docs/Doxyfile @ONLY)
add_custom_target(
  docs
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${PROJECT_BINARY_DIR}/docs/html
  COMMAND Doxygen::doxygen ${PROJECT_BINARY_DIR}/docs/Doxyfile
  COMMENT "Making the web pages in docs/html"
  VERBATIM)
