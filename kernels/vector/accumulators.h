/* The accumulators of sums and maxima over a row, BP_SUM_ACCUMULATORS of them in a few vectors. */
#ifndef BP_VECTOR_ACCUMULATORS_H
#define BP_VECTOR_ACCUMULATORS_H

#include <stddef.h>

#include <backprop/loss.h>

/* Vectors that hold the accumulators of a sum or a maximum. */
#define SUM_VECS (BP_SUM_ACCUMULATORS / VEC_LANES)

static inline void lanes_fill(vec p[SUM_VECS], float value) {
    for (size_t v = 0; v < SUM_VECS; v++)
        p[v] = vec_set1(value);
}

/* Elements of the vector at j that lie within a row of `count`. */
static inline size_t lanes_left(size_t count, size_t j) {
    return j >= count ? 0 : count - j < VEC_LANES ? count - j : VEC_LANES;
}

/* The tree that completes a sum, in registers: lane l < h adds lane l + h; the other lanes hold nothing of use. */
static inline float accumulators_sum(const vec p[SUM_VECS]) {
    vec lane[SUM_VECS];
    for (size_t v = 0; v < SUM_VECS; v++)
        lane[v] = p[v];
    for (size_t h = SUM_VECS / 2; h > 0; h /= 2)
        for (size_t v = 0; v < h; v++)
            lane[v] = vec_add(lane[v], lane[v + h]);
    for (size_t h = VEC_LANES / 2; h > 0; h /= 2)
        lane[0] = vec_add(lane[0], vec_rotate(lane[0], h));
    return vec_get0(lane[0]);
}

static inline float accumulators_maximum(const vec p[SUM_VECS]) {
    float lane[BP_SUM_ACCUMULATORS];
    for (size_t v = 0; v < SUM_VECS; v++)
        vec_store(lane + v * VEC_LANES, p[v]);
    for (size_t h = BP_SUM_ACCUMULATORS / 2; h > 0; h /= 2)
        for (size_t l = 0; l < h; l++)
            lane[l] = lane[l + h] > lane[l] ? lane[l + h] : lane[l];
    return lane[0];
}

#endif
