# The target `docs`: the public headers as web pages, in docs/ of the build folder. A warning is an error.
find_package(Doxygen 1.9 QUIET)
if(NOT DOXYGEN_FOUND)
  return()
endif()

# The headers are written for people who read them as they are. What Doxygen wants besides: a mark on the comment that
# begins a file and on those at the end of a line, and more blanks before formulas, which makes them code. Links of the
# README lead to places that are no part of the site.
set(DOXYGEN_INPUT_FILTER
    "sed -e 's,\\[\\([^]]*\\)\\]([^)]*),\\1,g' -e '1s,^/[*]$,/** @file,' \
-e 's,^ [*]   , *       ,' -e 's,\\([;\\,A-Z0-9]\\)  */[*] \\(.*\\) [*]/$,\\1 /**< \\2 */,'")
set(DOXYGEN_QUIET YES)
set(DOXYGEN_PROJECT_NUMBER ${PROJECT_VERSION})
set(DOXYGEN_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/docs)
set(DOXYGEN_STRIP_FROM_PATH ${PROJECT_SOURCE_DIR}/include)
set(DOXYGEN_USE_MDFILE_AS_MAINPAGE README.md)
set(DOXYGEN_OPTIMIZE_OUTPUT_FOR_C YES)
set(DOXYGEN_EXTRACT_ALL YES)
set(DOXYGEN_GENERATE_LATEX NO)
set(DOXYGEN_MACRO_EXPANSION YES)
set(DOXYGEN_EXPAND_ONLY_PREDEF YES)
set(DOXYGEN_PREDEFINED "BP_API=" "BP_BEGIN_DECLS=" "BP_END_DECLS=")
set(DOXYGEN_HAVE_DOT NO)
set(DOXYGEN_WARN_IF_UNDOCUMENTED NO)
set(DOXYGEN_WARN_AS_ERROR FAIL_ON_WARNINGS)
doxygen_add_docs(docs include/backprop README.md)
