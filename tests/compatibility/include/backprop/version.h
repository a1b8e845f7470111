#ifndef BACKPROP_VERSION_H
#define BACKPROP_VERSION_H
#include <backprop/export.h>
#define BP_VERSION_MAJOR 0
#define BP_VERSION_MINOR 9
#define BP_VERSION_PATCH 0
BP_BEGIN_DECLS
BP_API const char *bp_version(void);
BP_END_DECLS
#endif
