/* Everything that a kernel test needs: see README.md. */
#ifndef BACKPROP_TESTS_HARNESS_H
#define BACKPROP_TESTS_HARNESS_H

/* What cmocka.h asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bits.h"
#include "session.h"
#include "sweep.h"
#include "trial.h"

#endif
