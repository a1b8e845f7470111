#include "initializer.h"

#include <math.h>
#include <string.h>

#include "api/refuse.h"
#include "enum_counts.h"
#include "float_environment.h"
#include "philox.h"

static const char *const names[INITIALIZER_COUNT] = {
    [BP_INITIALIZER_XAVIER_UNIFORM] = "xavier-uniform", [BP_INITIALIZER_XAVIER_NORMAL] = "xavier-normal",
    [BP_INITIALIZER_HE_UNIFORM] = "he-uniform",         [BP_INITIALIZER_HE_NORMAL] = "he-normal",
    [BP_INITIALIZER_LECUN_UNIFORM] = "lecun-uniform",   [BP_INITIALIZER_LECUN_NORMAL] = "lecun-normal",
    [BP_INITIALIZER_ORTHOGONAL] = "orthogonal",
};

const char *bp_initializer_name(bp_initializer_kind kind) {
    return (unsigned)kind < INITIALIZER_COUNT ? names[kind] : NULL;
}

bp_status bp_initializer_from_name(const char *name, bp_initializer_kind *kind) {
    if (!name || !kind)
        return FAIL_NULL({"name", name}, {"kind", kind});
    for (unsigned k = 0; k < INITIALIZER_COUNT; k++)
        if (strcmp(name, names[k]) == 0) {
            *kind = (bp_initializer_kind)k;
            return BP_OK;
        }
    return bp_fail_name(BP_ERROR_VALUE, "initializer", name, names, INITIALIZER_COUNT);
}

bp_status bp_check_initializer(bp_initializer initializer) {
    const bool valid =
        (unsigned)initializer.kind < INITIALIZER_COUNT && initializer.gain >= 0.0f && isfinite(initializer.gain);
    return valid ? BP_OK : BP_ERROR_VALUE;
}

/* Packed weights with a panel width of `width`. */
typedef struct weights {
    bp_packed m;
    size_t width, in, out;
} weights;

static size_t position_of(const weights *w, size_t i, size_t j) {
    return j / w->width * w->m.panel_stride + i * w->m.row_stride + j % w->width;
}

typedef float number_of(uint32_t word);

/* w_ij = factor * the number of word i * out + j. */
static void draw(const weights *w, number_of *number, float factor, uint64_t seed, uint64_t stream) {
    philox_block words = {{0}};
    uint64_t index = 0;
    for (size_t i = 0; i < w->in; i++)
        for (size_t first = 0; first < w->out; first += w->width) {
            float *at = w->m.data + position_of(w, i, first);
            const size_t width = w->out - first < w->width ? w->out - first : w->width;
            for (size_t j = 0; j < width; j++, index++) {
                if (index % 4 == 0)
                    words = philox_words(seed, stream, index / 4);
                at[j] = factor * number(words.word[index % 4]);
            }
        }
}

/* ---- Orthogonal ----------------------------------------------------------------------------------------------- */

/* `count` vectors of `length` elements: the columns of the weights, or the rows if those are longer. */
typedef struct vectors {
    const weights *w;
    bool rows;
    size_t count, length;
} vectors;

static size_t element_of(const vectors *v, size_t vector, size_t k) {
    return v->rows ? position_of(v->w, vector, k) : position_of(v->w, k, vector);
}

/* The offsets of a vector's elements from its first one, the same for all vectors. */
typedef struct walk {
    size_t offset, left; /* elements up to the border of the panel */
    size_t step, width, skip;
} walk;

static walk walk_from(const vectors *v, size_t k) {
    const bp_packed m = v->w->m;
    if (!v->rows)
        return (walk){k * m.row_stride, SIZE_MAX, m.row_stride, SIZE_MAX, 0};
    const size_t width = v->w->width;
    return (walk){k / width * m.panel_stride + k % width, width - k % width, 1, width, m.panel_stride - width};
}

static void advance(walk *at) {
    at->offset += at->step;
    if (--at->left == 0) {
        at->offset += at->skip;
        at->left = at->width;
    }
}

/* Sum of the squares of elements k.. of a vector. */
static double squares(const vectors *v, size_t vector, size_t k) {
    const float *at = v->w->m.data + element_of(v, vector, 0);
    double sum = 0.0;
    walk p = walk_from(v, k);
    for (; k < v->length; k++, advance(&p))
        sum += (double)at[p.offset] * (double)at[p.offset];
    return sum;
}

/* Vectors that are reflected together: as many independent sums. */
#define REFLECTED 8

/*
 * Reflects vectors first.. by I - tau h h^T, where h is 1 at k and then elements k + 1.. of vector k. `fresh`: elements
 * k of the vectors count as 0, whatever is stored there.
 */
static inline void reflect(const vectors *v, size_t k, double tau, size_t first, size_t count, bool fresh) {
    const float *h = v->w->m.data + element_of(v, k, 0);
    float *x[REFLECTED];
    double sum[REFLECTED];
    walk p = walk_from(v, k);
    for (size_t c = 0; c < count; c++) {
        x[c] = v->w->m.data + element_of(v, first + c, 0);
        sum[c] = fresh ? 0.0 : (double)x[c][p.offset];
    }
    const walk head = p;
    for (size_t i = k + 1; i < v->length; i++) {
        advance(&p);
        for (size_t c = 0; c < count; c++)
            sum[c] += (double)h[p.offset] * (double)x[c][p.offset];
    }
    p = head;
    for (size_t c = 0; c < count; c++) {
        sum[c] *= tau;
        x[c][p.offset] = (float)((fresh ? 0.0 : (double)x[c][p.offset]) - sum[c]);
    }
    for (size_t i = k + 1; i < v->length; i++) {
        advance(&p);
        for (size_t c = 0; c < count; c++)
            x[c][p.offset] = (float)((double)x[c][p.offset] - sum[c] * (double)h[p.offset]);
    }
}

static void reflect_all(const vectors *v, size_t k, bool fresh) {
    const double tau = 2.0 / (1.0 + squares(v, k, k + 1));
    size_t c = k + 1;
    for (; c + REFLECTED <= v->count; c += REFLECTED)
        reflect(v, k, tau, c, REFLECTED, fresh);
    if (c < v->count)
        reflect(v, k, tau, c, v->count - c, fresh);
}

/* Multiplies elements k.. of a vector. */
static void multiply(const vectors *v, size_t vector, size_t k, double factor) {
    float *at = v->w->m.data + element_of(v, vector, 0);
    walk p = walk_from(v, k);
    for (; k < v->length; k++, advance(&p))
        at[p.offset] = (float)(factor * (double)at[p.offset]);
}

/*
 * Householder's factorization in place: vector k becomes its reflection, with the sign of R's diagonal in its head;
 * then the reflections become Q, from the last to the first.
 */
static void orthonormalize(const vectors *v) {
    for (size_t k = 0; k < v->count; k++) {
        float *head = v->w->m.data + element_of(v, k, k);
        const double norm = sqrt(squares(v, k, k)), diagonal = *head < 0.0f ? norm : -norm;
        multiply(v, k, k, 1.0 / ((double)*head - diagonal));
        *head = diagonal < 0.0 ? -1.0f : 1.0f;
        reflect_all(v, k, false);
    }
    for (size_t k = v->count; k-- > 0;) {
        float *head = v->w->m.data + element_of(v, k, k);
        const double sign = (double)*head, tau = 2.0 / (1.0 + squares(v, k, k + 1));
        reflect_all(v, k, true);
        multiply(v, k, k, -sign * tau);
        *head = (float)(sign - sign * tau);
    }
}

static void draw_orthogonal(const weights *w, float gain, uint64_t seed, uint64_t stream) {
    const vectors v = {w, w->in < w->out, w->in < w->out ? w->in : w->out, w->in < w->out ? w->out : w->in};
    draw(w, bp_normal_number, 1.0f, seed, stream);
    orthonormalize(&v);
    for (size_t k = 0; k < v.count; k++)
        multiply(&v, k, 0, (double)gain);
}

/* ---- All kinds ------------------------------------------------------------------------------------------------ */

void bp_initialize_packed(bp_packed w, size_t panel, size_t in, size_t out, bp_initializer initializer, uint64_t seed,
                          uint64_t stream) {
    const weights all = {w, panel, in, out};
    const float gain = initializer.gain != 0.0f ? initializer.gain : 1.0f;
    switch (initializer.kind) {
    case BP_INITIALIZER_XAVIER_NORMAL:
        draw(&all, bp_normal_number, gain * sqrtf(2.0f / (float)(in + out)), seed, stream);
        break;
    case BP_INITIALIZER_HE_UNIFORM:
        draw(&all, symmetric_number, gain * sqrtf(6.0f / (float)in), seed, stream);
        break;
    case BP_INITIALIZER_HE_NORMAL:
        draw(&all, bp_normal_number, gain * sqrtf(2.0f / (float)in), seed, stream);
        break;
    case BP_INITIALIZER_LECUN_UNIFORM:
        draw(&all, symmetric_number, gain * sqrtf(3.0f / (float)in), seed, stream);
        break;
    case BP_INITIALIZER_LECUN_NORMAL:
        draw(&all, bp_normal_number, gain * sqrtf(1.0f / (float)in), seed, stream);
        break;
    case BP_INITIALIZER_ORTHOGONAL:
        draw_orthogonal(&all, gain, seed, stream);
        break;
    default:
        draw(&all, symmetric_number, gain * sqrtf(6.0f / (float)(in + out)), seed, stream);
        break;
    }
}

static const matrix_names weight_names = {"w", "ldw", "in", "out"};

bp_status bp_initialize(float *w, size_t ldw, size_t in, size_t out, bp_initializer initializer, uint64_t seed,
                        uint64_t stream) {
    CONTRACT_MODE(host);
    if (!w)
        return FAIL_NULL({"w", w});
    ldw = ld_or_packed(ldw, out);
    const matrix m = matrix_of(w, in, out, ldw);
    if (check_matrix(m) != BP_OK)
        return bp_check_named(&m, 1, NULL, 0, &weight_names);
    if (bp_check_initializer(initializer) != BP_OK)
        return (unsigned)initializer.kind >= INITIALIZER_COUNT
                   ? bp_fail_enumerator("initializer.kind", (int)initializer.kind, "bp_initializer_kind")
                   : bp_fail_number("initializer.gain", (double)initializer.gain, "finite and not negative");
    bp_initialize_packed((bp_packed){w, ldw, 0}, WHOLE_ROWS, in, out, initializer, seed, stream);
    return BP_OK;
}
