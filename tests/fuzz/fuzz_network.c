/*
 * Networks of any description, good or not, and any calls on them in any order, by a careless caller: what is refused
 * changes nothing, and what is done has the same bits on scalar kernels and one thread as on any other instruction set
 * and number of threads.
 */
#include <math.h>
#include <string.h>

#include "../../kernels/enum_counts.h"
#include "../defaults.h"
#include "operands.h"
#include "subjects.h"

/* One call on one subject: what it may use, and what came of it. */
typedef struct call {
    bytes in;
    operands arrays;
    bp_network *network;
    void *memory; /* the network's own */
    const description *shape;
    bool swapped;   /* the average is in */
    bool uncertain; /* whether it must succeed is for the library to say */
    bp_status status;
    float loss; /* a result besides arrays */
} call;

static size_t outputs_of(const call *c) {
    return c->shape->sizes[c->shape->config.layers];
}

static bool takes_labels(const call *c) {
    return c->shape->config.loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || c->shape->config.loss == BP_LOSS_MULTICLASS_HINGE;
}

/* A matrix of the caller's; strides of 0 stand for packed rows. */
static float *matrix(call *c, size_t rows, size_t columns, size_t *stride, bool output) {
    *stride = take_flag(&c->in) ? take_stride(&c->in, columns) : 0;
    return operand_new(&c->arrays, &c->in, rows, columns, *stride ? *stride : columns, sizeof(float), output);
}

static float *vector(call *c, size_t count, bool output) {
    return operand_new(&c->arrays, &c->in, 1, count, count, sizeof(float), output);
}

static float take_rate(call *c) {
    const float learning_rate = take_float(&c->in);
    c->uncertain |= !isfinite(learning_rate);
    return learning_rate;
}

static bp_batch take_batch(call *c, bool with_loss) {
    bp_batch batch = {.rows = 1 + take_below(&c->in, c->shape->config.max_batch_size)};
    if (take_rarely(&c->in, 16)) {
        batch.rows = take_flag(&c->in) ? c->shape->config.max_batch_size + 1 : take_odd_size(&c->in);
        c->uncertain = true;
    }
    batch.inputs = matrix(c, batch.rows, c->shape->sizes[0], &batch.input_stride, false);
    if (with_loss && takes_labels(c)) {
        batch.labels = operand_new(&c->arrays, &c->in, 1, batch.rows, batch.rows, sizeof *batch.labels, false);
        operand_labels(&c->arrays, &c->in, outputs_of(c));
        operand_bad_label(&c->arrays, &c->in, outputs_of(c));
    } else if (with_loss) {
        batch.targets = matrix(c, batch.rows, outputs_of(c), &batch.target_stride, false);
    }
    if (with_loss && take_flag(&c->in)) {
        batch.weights = vector(c, batch.rows, false);
        /* their sum may be none to divide by, and that of micro-batches is not known */
        c->uncertain |= c->shape->config.loss_options->reduction == BP_REDUCTION_WEIGHTED_MEAN;
    }
    if (take_rarely(&c->in, 32)) {
        batch.inputs = (const float *)c->memory + BP_ALIGNMENT / sizeof(float); /* beyond what aligns it */
        c->uncertain = true;
    }
    return batch;
}

/* Whether the call may be made; keeps the arrays. */
static bool ready(call *c) {
    operands_keep(&c->arrays);
    return !c->arrays.too_large;
}

/* ---- Passes ----------------------------------------------------------------------------------------------------- */

static void train_step(call *c) {
    const bp_batch batch = take_batch(c, true);
    const float learning_rate = take_rate(c);
    c->uncertain |= c->swapped;
    if (ready(c))
        c->status = bp_network_train_step(c->network, &batch, learning_rate, take_flag(&c->in) ? &c->loss : NULL);
}

static void forward(call *c) {
    const bp_batch batch = take_batch(c, false);
    size_t stride;
    float *outputs = matrix(c, batch.rows, outputs_of(c), &stride, true);
    if (ready(c))
        c->status = bp_network_forward(c->network, &batch, outputs, stride);
}

static void loss(call *c) {
    const bp_batch batch = take_batch(c, true);
    if (ready(c))
        c->status = bp_network_loss(c->network, &batch, &c->loss);
}

/* Half of each output, and what no loss does: it looks at all of them. */
static void loss_callback(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride,
                          float *delta, size_t delta_stride) {
    const call *c = context;
    (void)first;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < outputs_of(c); j++)
            delta[n * delta_stride + j] = 0.5f * outputs[n * output_stride + j];
}

static void backward(call *c) {
    const uint8_t what = take_byte(&c->in);
    const bool own = (what & 12) != 0;
    const bp_batch batch = take_batch(c, !own);
    bp_backward_options options =
        BACKWARD_OPTIONS(.gradient = (bp_gradient_mode)(what % 4), .learning_rate = take_rate(c), .loss_context = c);
    if (what & 4)
        options.delta = matrix(c, batch.rows, outputs_of(c), &options.delta_stride, false);
    if (what & 8)
        options.loss_callback = loss_callback;
    if (what & 16)
        options.input_gradient = matrix(c, batch.rows, c->shape->sizes[0], &options.input_gradient_stride, true);
    if (what & 32)
        options.loss = &c->loss;
    c->uncertain = true; /* many of them contradict each other */
    if (ready(c))
        c->status = bp_network_backward(c->network, &batch, &options);
}

static void accumulate(call *c) {
    const bp_batch batch = take_batch(c, true);
    const size_t total = take_size(&c->in, 100);
    c->uncertain |= c->swapped || !c->shape->config.gradients || total == 0;
    if (ready(c))
        c->status = bp_network_accumulate(c->network, &batch, total, take_flag(&c->in) ? &c->loss : NULL);
}

static void update(call *c) {
    c->uncertain = true;
    c->status = bp_network_update(c->network, take_rate(c));
}

static void discard(call *c) {
    c->status = bp_network_discard(c->network);
}

/* ---- Access ----------------------------------------------------------------------------------------------------- */

static size_t take_layer(call *c, bp_layer *layer) {
    size_t index = take_below(&c->in, c->shape->config.layers);
    bp_network_layer(c->network, index, layer);
    if (take_rarely(&c->in, 32)) {
        index = take_flag(&c->in) ? c->shape->config.layers : SIZE_MAX;
        c->uncertain = true;
    }
    return index;
}

/* A tensor in or out, its matrices by rows or by columns. */
static void tensor(call *c) {
    const uint8_t what = take_byte(&c->in);
    const bool writes = what & 1, transposed = what & 2;
    const size_t count = bp_network_tensor_count(c->network);
    size_t index = take_below(&c->in, count);
    bp_tensor_info info;
    REQUIRE(bp_network_tensor_info(c->network, index, &info) == BP_OK);
    size_t found = count;
    REQUIRE(bp_network_tensor_find(c->network, info.name, &found) == BP_OK && found == index);
    if (take_rarely(&c->in, 32)) {
        index = take_flag(&c->in) ? count : SIZE_MAX;
        c->uncertain = true;
    }
    c->uncertain |= info.role == BP_TENSOR_ROLE_GRADIENT;
    const bool is_matrix = info.dimensions == 2 && info.shape[0] > 1 && info.shape[1] > 1;
    size_t stride = 0;
    float *values = !is_matrix   ? vector(c, info.shape[0] * info.shape[1], !writes)
                    : transposed ? matrix(c, info.shape[1], info.shape[0], &stride, !writes)
                                 : matrix(c, info.shape[0], info.shape[1], &stride, !writes);
    const size_t by_rows[] = {stride, 1}, by_columns[] = {1, stride ? stride : info.shape[0]};
    const size_t *strides = is_matrix && transposed ? by_columns : stride ? by_rows : NULL;
    if (ready(c))
        c->status = writes ? bp_network_tensor_write(c->network, index, values, strides)
                           : bp_network_tensor_read(c->network, index, values, strides);
}

/* ---- Others ----------------------------------------------------------------------------------------------------- */

static void freeze(call *c) {
    bp_layer layer;
    const size_t index = take_layer(c, &layer);
    c->status = bp_network_freeze(c->network, index, take_flag(&c->in));
}

static void swap_average(call *c) {
    c->uncertain = c->shape->config.optimizer->ema_decay <= 0.0f;
    c->status = bp_network_swap_ema(c->network);
}

static void initialize(call *c) {
    c->status = bp_network_initialize(c->network, take_byte(&c->in));
}

static void initialize_with(call *c) {
    bp_initializer initializers[SUBJECT_LAYERS_MAX];
    for (size_t l = 0; l < SUBJECT_LAYERS_MAX; l++)
        initializers[l] = (bp_initializer){(bp_initializer_kind)take_below(&c->in, 8), take_float(&c->in)};
    c->uncertain = true;
    c->status = bp_network_initialize_with(c->network, initializers, take_byte(&c->in));
}

static void set_steps(call *c) {
    const uint64_t steps = take_u64(&c->in, 1 + take_below(&c->in, 8));
    c->uncertain = steps >> 48 != 0;
    c->status = bp_network_set_steps(c->network, take_byte(&c->in), steps);
}

static void find_nonfinite(call *c) {
    const bp_batch batch = take_batch(c, true);
    bp_nonfinite found = {.quantity = QUANTITY_COUNT};
    if (!ready(c))
        return;
    c->status = bp_network_find_nonfinite(c->network, &batch, &found);
    REQUIRE((c->status == BP_OK) == (found.quantity != QUANTITY_COUNT));
    REQUIRE(found.quantity == BP_QUANTITY_NONE || found.quantity == QUANTITY_COUNT || !isfinite(found.value));
    if (c->status == BP_OK)
        c->loss = (float)((((size_t)found.quantity * 8 + found.layer) * 1024 + found.row) * 1024 + found.column);
}

static void summary(call *c) {
    const size_t room = take_u64(&c->in, 2) % 3000, length = bp_network_summary(c->network, NULL, 0);
    char *text = malloc(room ? room : 1);
    REQUIRE(bp_network_summary(c->network, text, room) == length);
    if (room > 0)
        REQUIRE(strlen(text) == (length < room ? length : room - 1));
    free(text);
    bp_optimizer optimizer;
    c->status = bp_network_get_optimizer(c->network, &optimizer, sizeof optimizer);
    REQUIRE(bp_network_step_flops(c->network, 3) > 0.0);
}

/* ---- Both subjects ---------------------------------------------------------------------------------------------- */

static void make(void (*what)(call *), call *c) {
    const uint64_t before = subject_state(c->network);
    c->loss = 0.125f;
    c->status = BP_ERROR_NULL;
    what(c);
    if (c->arrays.too_large)
        return;
    operands_require_status(&c->arrays, c->status, c->uncertain);
    if (c->status != BP_OK) {
        REQUIRE(subject_state(c->network) == before);
        REQUIRE(c->loss == 0.125f);
    }
}

static bool same_float(float a, float b) {
    return isnan(a) ? isnan(b) != 0 : memcmp(&a, &b, sizeof a) == 0;
}

static void require_same(const call *a, const call *b) {
    REQUIRE(a->status == b->status && same_float(a->loss, b->loss));
    for (size_t k = 0; k < a->arrays.count; k++)
        for (size_t e = 0; e < a->arrays.list[k].block_bytes / sizeof(float); e++) {
            float x, y;
            memcpy(&x, a->arrays.list[k].block + e * sizeof x, sizeof x);
            memcpy(&y, b->arrays.list[k].block + e * sizeof y, sizeof y);
            REQUIRE(same_float(x, y));
        }
    REQUIRE(subject_state(a->network) == subject_state(b->network));
    REQUIRE(same_float(bp_network_gradient_norm(a->network), bp_network_gradient_norm(b->network)));
}

static void calls(subject pair[2], const description *d, bytes *in) {
    static void (*const all[])(call *) = {
        train_step, train_step,      forward,   loss,           backward, backward, accumulate, accumulate,
        update,     discard,         tensor,    tensor,         tensor,   tensor,   freeze,     swap_average,
        initialize, initialize_with, set_steps, find_nonfinite, summary};
    bool swapped = false;
    for (size_t k = 0; k < 24 && bytes_left(in) > 0; k++) {
        void (*const what)(call *) = all[take_below(in, sizeof all / sizeof *all)];
        call both[2];
        for (size_t s = 0; s < 2; s++) {
            both[s] =
                (call){.in = *in, .network = pair[s].network, .memory = pair[s].memory, .shape = d, .swapped = swapped};
            make(what, &both[s]);
        }
        if (!both[0].arrays.too_large)
            require_same(&both[0], &both[1]);
        swapped = bp_network_ema_swapped(both[0].network);
        *in = both[0].in;
        operands_free(&both[0].arrays);
        operands_free(&both[1].arrays);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bytes in = bytes_of(data, size);
    subject pair[2];
    description d;
    take_description(&in, &d, take_rarely(&in, 4));
    if (subjects_create(pair, &d, &in)) {
        calls(pair, &d, &in);
        subjects_destroy(pair);
    }
    return 0;
}
