/* Version of the headers, and of the library that runs. */
#ifndef BACKPROP_VERSION_H
#define BACKPROP_VERSION_H

#include <backprop/export.h>

/* CMakeLists.txt reads the project's version from these three lines. */
#define BP_VERSION_MAJOR 0
#define BP_VERSION_MINOR 9
#define BP_VERSION_PATCH 0

BP_BEGIN_DECLS

/** Version of the library at run time, as "major.minor.patch". */
BP_API const char *bp_version(void);

BP_END_DECLS

#endif
