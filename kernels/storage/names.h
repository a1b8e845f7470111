/* Names of tensors as PyTorch has them: components with points between them. */
#ifndef BP_STORAGE_NAMES_H
#define BP_STORAGE_NAMES_H

#include <stdbool.h>

/** Whether two names are one, but for the components that DataParallel and torch.compile put in: "module", "_orig_mod".
 */
bool bp_names_same(const char *a, const char *b);

/** Copies a name without those components. */
void bp_names_unwrap(char *to, const char *from);

/** Order in which people count: numbers in names by their value. 0: no order. */
int bp_names_compare(const char *a, const char *b);

/** Whether two names differ in the value of numbers alone, so that these tell their order. */
bool bp_names_numbered(const char *a, const char *b);

#endif
