/* PyTorch's names of tensors: components separated by points. */
#ifndef BP_STORAGE_NAMES_H
#define BP_STORAGE_NAMES_H

#include <stdbool.h>

/** Whether two names are equal without the components "module" and "_orig_mod" of DataParallel and torch.compile. */
bool bp_names_same(const char *a, const char *b);

/** Copies a name without those components. */
void bp_names_unwrap(char *to, const char *from);

/** Natural order: numbers in names compare by value. 0: no order. */
int bp_names_compare(const char *a, const char *b);

/** Whether two names differ in numbers only. */
bool bp_names_numbered(const char *a, const char *b);

#endif
