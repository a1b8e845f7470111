/*
 * Linked into a bpcheck of the tests alone, in place of two of the library's functions: what BPCHECK_BROKEN names is
 * broken on the widest instruction set, and bpcheck has to find it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/network.h>

#include "backend.h"

bp_status __real_bp_kernels_for(bp_isa isa, const bp_kernels **kernels);
bp_status __wrap_bp_kernels_for(bp_isa isa, const bp_kernels **kernels);
uint64_t __real_bp_network_hash(const bp_network *network);
uint64_t __wrap_bp_network_hash(const bp_network *network);

static bool is_broken(const char *what) {
    const char *broken = getenv("BPCHECK_BROKEN");
    return broken && strcmp(broken, what) == 0;
}

static bp_backend right, broken;

/* The last bit of the last element of each call. */
static void softmax_off_by_one_ulp(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes) {
    right.kernels.softmax(p, ldp, z, ldz, rows, classes);
    float *last = &p[(rows - 1) * ldp + classes - 1];
    *last = nextafterf(*last, 2.0f);
}

static void sgd_crashes(float *parameters, const float *gradient, size_t count, float learning_rate) {
    right.kernels.sgd(parameters, gradient, count, learning_rate);
    static volatile uintptr_t nowhere = 64; /* volatile: no compiler may see through it */
    if (count % 3 == 0)
        *(volatile float *)nowhere = learning_rate;
}

static void activate_reads_on(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                              bp_activation activation) {
    right.kernels.activate(a, lda, z, ldz, rows, columns, activation);
    (void)*(const volatile float *)&z[(rows - 1) * ldz + columns];
}

/* Of the kernels that networks alone call: one weight of a layer is one ULP off. */
static void update_off_by_one_ulp(const gradient_use *use, const bp_packed *w, const bp_packed *sums,
                                  const bp_packed *x, const bp_packed *delta, size_t batch, size_t in, size_t out,
                                  void *scratch) {
    right.gradient(use, w, sums, x, delta, batch, in, out, scratch);
    if (use->update)
        w->data[0] = nextafterf(w->data[0], 2.0f);
}

bp_status __wrap_bp_kernels_for(bp_isa isa, const bp_kernels **kernels) {
    const bp_status status = __real_bp_kernels_for(isa, kernels);
    if (status != BP_OK || isa != bp_cpu_best())
        return status;
    /* A table is the first member of its backend. */
    right = broken = *(const bp_backend *)(const void *)*kernels;
    if (is_broken("ulp"))
        broken.kernels.softmax = softmax_off_by_one_ulp;
    if (is_broken("crash"))
        broken.kernels.sgd = sgd_crashes;
    if (is_broken("read"))
        broken.kernels.activate = activate_reads_on;
    if (is_broken("update"))
        broken.gradient = update_off_by_one_ulp;
    *kernels = &broken.kernels;
    return BP_OK;
}

uint64_t __wrap_bp_network_hash(const bp_network *network) {
    return __real_bp_network_hash(network) ^ is_broken("hash");
}
