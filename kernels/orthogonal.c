#include "orthogonal.h"

#include <math.h>
#include <stdbool.h>

/* The rows or the columns of packed weights: runs of `run` indices, each index `step` and each run `skip` apart. */
typedef struct axis {
    size_t size, run, step, skip;
} axis;

static size_t offset_of(axis a, size_t index) {
    return index / a.run * a.skip + index % a.run * a.step;
}

static size_t end_of_run(axis a, size_t index) {
    const size_t end = index - index % a.run + a.run;
    return end < a.size ? end : a.size;
}

/* The columns of the weights as vectors, or the rows if those are longer: `along` has the elements of a vector. */
typedef struct vectors {
    float *data;
    axis across, along;
} vectors;

static float *vector_at(const vectors *v, size_t vector) {
    return v->data + offset_of(v->across, vector);
}

/* Sum of the squares of elements k.. of a vector. */
static double squares(const vectors *v, size_t vector, size_t k) {
    const float *x = vector_at(v, vector);
    double sum = 0.0;
    for (; k < v->along.size; k++) {
        const double element = (double)x[offset_of(v->along, k)];
        sum += element * element;
    }
    return sum;
}

/* Multiplies elements k.. of a vector. */
static void multiply(const vectors *v, size_t vector, size_t k, double factor) {
    for (float *x = vector_at(v, vector); k < v->along.size; k++) {
        float *element = x + offset_of(v->along, k);
        *element = (float)(factor * (double)*element);
    }
}

/* Vectors that are reflected together: as many independent sums. */
#define REFLECTED 8

/*
 * Reflects vectors first.. by I - tau h h^T, where h is 1 at k and then elements k + 1.. of vector k. `fresh`: elements
 * k of the vectors count as 0, whatever is stored there.
 */
static inline void reflect(const vectors *v, size_t k, double tau, size_t first, size_t count, bool fresh) {
    const axis along = v->along;
    const size_t head = offset_of(along, k);
    const float *h = vector_at(v, k);
    float *x[REFLECTED];
    double sum[REFLECTED];
    for (size_t c = 0; c < count; c++) {
        x[c] = vector_at(v, first + c);
        x[c][head] = fresh ? 0.0f : x[c][head];
        sum[c] = (double)x[c][head];
    }
    /* Whole runs, so that an element costs no division. */
    for (size_t i = k + 1; i < along.size;) {
        const size_t end = end_of_run(along, i);
        for (size_t at = offset_of(along, i); i < end; i++, at += along.step)
            for (size_t c = 0; c < count; c++)
                sum[c] += (double)h[at] * (double)x[c][at];
    }
    for (size_t c = 0; c < count; c++) {
        sum[c] *= tau;
        x[c][head] = (float)((double)x[c][head] - sum[c]);
    }
    for (size_t i = k + 1; i < along.size;) {
        const size_t end = end_of_run(along, i);
        for (size_t at = offset_of(along, i); i < end; i++, at += along.step)
            for (size_t c = 0; c < count; c++)
                x[c][at] = (float)((double)x[c][at] - sum[c] * (double)h[at]);
    }
}

/* Reflects all vectors after vector k. */
static void reflect_all(const vectors *v, size_t k, bool fresh) {
    const double tau = 2.0 / (1.0 + squares(v, k, k + 1));
    size_t c = k + 1;
    for (; c + REFLECTED <= v->across.size; c += REFLECTED)
        reflect(v, k, tau, c, REFLECTED, fresh);
    if (c < v->across.size)
        reflect(v, k, tau, c, v->across.size - c, fresh);
}

/*
 * In place: vector k becomes its reflection, with the sign of R's diagonal in its head; then the reflections become Q,
 * from the last to the first.
 */
void bp_orthonormalize(bp_packed w, size_t width, size_t in, size_t out) {
    const axis rows = {in, SIZE_MAX, w.row_stride, 0}, columns = {out, width, 1, w.panel_stride};
    const vectors v = in < out ? (vectors){w.data, rows, columns} : (vectors){w.data, columns, rows};
    for (size_t k = 0; k < v.across.size; k++) {
        float *head = vector_at(&v, k) + offset_of(v.along, k);
        const double norm = sqrt(squares(&v, k, k)), diagonal = *head < 0.0f ? norm : -norm;
        multiply(&v, k, k, 1.0 / ((double)*head - diagonal));
        *head = diagonal < 0.0 ? -1.0f : 1.0f;
        reflect_all(&v, k, false);
    }
    for (size_t k = v.across.size; k-- > 0;) {
        float *head = vector_at(&v, k) + offset_of(v.along, k);
        const double sign = (double)*head, tau = 2.0 / (1.0 + squares(&v, k, k + 1));
        reflect_all(&v, k, true);
        multiply(&v, k, k, -sign * tau);
        *head = (float)(sign - sign * tau);
    }
}
