#include "initializer.h"

#include <math.h>

#include "enum_counts.h"
#include "normal.h"
#include "orthogonal.h"
#include "philox.h"

/* Packed weights with a panel width of `width`. */
typedef struct weights {
    bp_packed m;
    size_t width, in, out;
} weights;

/* w_ij = factor * the number of word i * out + j. */
static void draw(const weights *w, bool normal, float factor, uint64_t seed, uint64_t stream) {
    philox_block words = {{0}};
    uint64_t index = 0;
    for (size_t i = 0; i < w->in; i++)
        for (size_t first = 0; first < w->out; first += w->width) {
            float *at = w->m.data + first / w->width * w->m.panel_stride + i * w->m.row_stride;
            const size_t width = w->out - first < w->width ? w->out - first : w->width;
            for (size_t j = 0; j < width; j++, index++) {
                if (index % 4 == 0)
                    words = philox_words(seed, stream, index / 4);
                const uint32_t word = words.word[index % 4];
                at[j] = factor * (normal ? bp_normal_number(word) : symmetric_number(word));
            }
        }
}

/* factor = gain * sqrt(numerator / in), or over in + out */
static const struct {
    bool normal;
    float numerator;
    bool by_both;
} kinds[INITIALIZER_COUNT] = {
    [BP_INITIALIZER_XAVIER_UNIFORM] = {false, 6.0f, true}, [BP_INITIALIZER_XAVIER_NORMAL] = {true, 2.0f, true},
    [BP_INITIALIZER_HE_UNIFORM] = {false, 6.0f, false},    [BP_INITIALIZER_HE_NORMAL] = {true, 2.0f, false},
    [BP_INITIALIZER_LECUN_UNIFORM] = {false, 3.0f, false}, [BP_INITIALIZER_LECUN_NORMAL] = {true, 1.0f, false},
};

static void draw_orthogonal(const weights *w, float gain, uint64_t seed, uint64_t stream) {
    draw(w, true, 1.0f, seed, stream);
    bp_orthonormalize(w->m, w->width, w->in, w->out);
    for (size_t i = 0; i < w->in; i++)
        for (size_t j = 0; j < w->out; j++)
            w->m.data[j / w->width * w->m.panel_stride + i * w->m.row_stride + j % w->width] *= gain;
}

void bp_initialize_packed(bp_packed w, size_t panel, size_t in, size_t out, bp_initializer initializer, uint64_t seed,
                          uint64_t stream) {
    const weights all = {w, panel, in, out};
    const float gain = initializer.gain != 0.0f ? initializer.gain : 1.0f;
    if (initializer.kind == BP_INITIALIZER_ORTHOGONAL) {
        draw_orthogonal(&all, gain, seed, stream);
        return;
    }
    const size_t number = kinds[initializer.kind].by_both ? in + out : in;
    draw(&all, kinds[initializer.kind].normal, gain * sqrtf(kinds[initializer.kind].numerator / (float)number), seed,
         stream);
}
