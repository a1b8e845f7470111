#include "covering.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether two factors' values have met, by the lower and the higher factor. */
typedef struct meetings {
    bool met[COVERING_FACTORS_MAX][COVERING_FACTORS_MAX][COVERING_VALUES_MAX][COVERING_VALUES_MAX];
    size_t left;
} meetings;

static bool *meeting(meetings *m, size_t f, size_t v, size_t g, size_t w) {
    return f < g ? &m->met[f][g][v][w] : &m->met[g][f][w][v];
}

static meetings *meetings_create(const size_t *values, size_t factors) {
    meetings *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    for (size_t g = 0; g < factors; g++)
        for (size_t f = 0; f < g; f++)
            m->left += values[f] * values[g];
    return m;
}

static void meet(meetings *m, const unsigned char *row, size_t factors) {
    for (size_t g = 0; g < factors; g++)
        for (size_t f = 0; f < g; f++) {
            bool *met = meeting(m, f, row[f], g, row[g]);
            m->left -= !*met;
            *met = true;
        }
}

/* A factor that still has pairs to meet with another, and the values of one of them. */
typedef struct start {
    size_t f, v, g, w;
} start;

static start find_start(meetings *m, const size_t *values, size_t factors, test_random *random) {
    for (;;) {
        const size_t f = test_random_below(random, factors), g = test_random_below(random, factors);
        if (f == g)
            continue;
        const size_t beta = test_random_below(random, values[f] * values[g]);
        for (size_t k = 0; k < values[f] * values[g]; k++) {
            const size_t pair = (k + beta) % (values[f] * values[g]);
            const start found = {f, pair / values[g], g, pair % values[g]};
            if (!*meeting(m, found.f, found.v, found.g, found.w))
                return found;
        }
    }
}

/* The value of factor f that meets the most new pairs with the factors chosen so far. */
static size_t best_value(meetings *m, const unsigned char *row, const size_t *chosen, size_t count, size_t f,
                         size_t values, test_random *random) {
    const size_t beta = test_random_below(random, values);
    size_t best = beta, most = 0;
    for (size_t k = 0; k < values; k++) {
        const size_t v = (k + beta) % values;
        size_t fresh = 0;
        for (size_t c = 0; c < count; c++)
            fresh += !*meeting(m, f, v, chosen[c], row[chosen[c]]);
        if (fresh > most) {
            most = fresh;
            best = v;
        }
    }
    return best;
}

static void fill_row(meetings *m, unsigned char *row, const size_t *values, size_t factors, test_random *random) {
    const start first = find_start(m, values, factors, random);
    row[first.f] = (unsigned char)first.v;
    row[first.g] = (unsigned char)first.w;
    size_t order[COVERING_FACTORS_MAX] = {first.f, first.g}, count = 2;
    for (size_t f = 0; f < factors; f++)
        if (f != first.f && f != first.g)
            order[count++] = f;
    for (size_t k = 2; k < factors; k++) {
        const size_t other = k + test_random_below(random, factors - k), f = order[other];
        order[other] = order[k];
        order[k] = f;
        row[f] = (unsigned char)best_value(m, row, order, k, f, values[f], random);
    }
}

covering covering_create(const size_t *values, size_t factors, test_random *random) {
    covering c = {.factors = factors};
    meetings *m = meetings_create(values, factors);
    while (m->left > 0) {
        if (c.rows % 64 == 0)
            c.row = realloc(c.row, (c.rows + 64) * sizeof *c.row);
        if (!c.row)
            abort();
        fill_row(m, c.row[c.rows], values, factors, random);
        meet(m, c.row[c.rows++], factors);
    }
    free(m);
    return c;
}

void covering_destroy(covering *c) {
    free(c->row);
}

size_t covering_missing(const covering *c, const size_t *values, size_t rows) {
    meetings *m = meetings_create(values, c->factors);
    for (size_t r = 0; r < rows; r++)
        meet(m, c->row[r], c->factors);
    const size_t left = m->left;
    free(m);
    return left;
}
