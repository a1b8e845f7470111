#include "subjects.h"
#include "../../kernels/enum_counts.h"

#include <string.h>

/* ---- Memory and threads of a host -------------------------------------------------------------------------------- */

static void *allocate(void *context, size_t size) {
    subject *s = context;
    if (s->refuse > 0 && --s->refuse == 0)
        return NULL;
    void *memory = malloc(size ? size : 1);
    REQUIRE(memory);
    s->allocations++;
    if (!s->memory)
        s->memory = memory;
    return memory;
}

static void release(void *context, void *memory) {
    subject *s = context;
    REQUIRE(s->allocations > 0);
    s->allocations--;
    free(memory);
}

/* A pool may call in any order: the last first. */
static void run_backwards(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count) {
    (void)context;
    while (count-- > 0)
        task(argument, count);
}

/* ---- Descriptions ----------------------------------------------------------------------------------------------- */

static float take_fraction(bytes *in) {
    return (float)take_byte(in) / 256.0f;
}

static bool needs_logits(bp_loss_kind loss) {
    return loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || loss == BP_LOSS_BINARY_CROSS_ENTROPY ||
           loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS || loss == BP_LOSS_KULLBACK_LEIBLER;
}

static void take_layers(bytes *in, description *d) {
    bp_network_config *c = &d->config;
    const size_t wide = take_rarely(in, 8) ? 40 : 10;
    c->layers = 1 + take_below(in, SUBJECT_LAYERS_MAX);
    for (size_t l = 0; l <= c->layers; l++)
        d->sizes[l] = 1 + take_below(in, wide);
    for (size_t l = 0; l < c->layers; l++)
        d->activations[l] =
            (bp_activation){(bp_activation_kind)take_below(in, ACTIVATION_COUNT), 2.0f * take_fraction(in)};
    if (needs_logits(c->loss))
        d->activations[c->layers - 1].kind = BP_ACTIVATION_IDENTITY;
    const uint8_t regularized = take_byte(in);
    for (size_t l = 0; l + 1 < c->layers; l++) {
        d->dropout[l] = regularized & 1 ? take_fraction(in) : 0.0f;
        d->normalize[l] = regularized & 2 && take_flag(in);
    }
    c->dropout = regularized & 1 ? d->dropout : NULL;
    c->normalize = regularized & 2 ? d->normalize : NULL;
}

static bp_optimizer take_optimizer(bytes *in) {
    bp_optimizer o = bp_optimizer_defaults((bp_optimizer_kind)take_below(in, OPTIMIZER_COUNT));
    const uint8_t wanted = take_byte(in);
    const float momentum = wanted & 1 ? take_fraction(in) : o.momentum,
                beta1 = wanted & 2 ? take_fraction(in) : o.beta1, beta2 = wanted & 4 ? take_fraction(in) : o.beta2;
    o.momentum = o.momentum > 0.0f ? momentum : 0.0f; /* others have none */
    o.beta1 = o.beta1 > 0.0f ? beta1 : 0.0f;
    o.beta2 = o.beta2 > 0.0f ? beta2 : 0.0f;
    o.weight_decay = wanted & 8 ? take_fraction(in) : 0.0f;
    o.decay_scope = wanted & 8 && o.weight_decay > 0.5f ? BP_DECAY_SCOPE_WEIGHTS : BP_DECAY_SCOPE_ALL;
    o.decoupled = wanted & 8 ? take_flag(in) : o.decoupled;
    o.clip = wanted & 16 ? take_fraction(in) : 0.0f;
    o.clip_norm = wanted & 32 ? take_fraction(in) : 0.0f;
    o.ema_decay = wanted & 64 ? take_fraction(in) : 0.0f;
    return o;
}

/* Anything in one place; arrays stay as long as they must be. */
static void take_oddity(bytes *in, description *d) {
    bp_network_config *c = &d->config;
    const size_t layer = take_below(in, c->layers);
    float *const floats[] = {&d->activations[layer].parameter,
                             &d->dropout[layer],
                             &d->loss_options.huber_threshold,
                             &d->loss_options.label_smoothing,
                             &d->optimizer.momentum,
                             &d->optimizer.beta1,
                             &d->optimizer.epsilon,
                             &d->optimizer.shrink,
                             &d->optimizer.grow,
                             &d->optimizer.step_min,
                             &d->optimizer.clip_norm,
                             &d->optimizer.ema_decay};
    const size_t which = take_below(in, 12 + sizeof floats / sizeof *floats);
    const unsigned enumerator = (unsigned)take_u64(in, take_flag(in) ? 4 : 1);
    switch (which) {
    case 0:
        d->sizes[layer] = take_odd_size(in);
        break;
    case 1:
        c->max_batch_size = take_odd_size(in);
        break;
    case 2:
        c->layers = 0;
        break;
    case 3:
        c->sizes = NULL;
        break;
    case 4:
        c->activations = NULL;
        break;
    case 5:
        d->activations[layer].kind = (bp_activation_kind)enumerator;
        break;
    case 6:
        c->loss = (bp_loss_kind)enumerator;
        break;
    case 7:
        d->loss_options.reduction = (bp_reduction)enumerator;
        break;
    case 8:
        d->optimizer.kind = (bp_optimizer_kind)enumerator;
        break;
    case 9:
        d->normalize[c->layers - 1] = true;
        break;
    case 10:
        d->sizes[c->layers] = take_odd_size(in);
        break;
    case 11:
        d->allocator.allocate = NULL;
        break;
    default:
        *floats[which - 12] = take_float(in);
        c->dropout = d->dropout;
    }
}

/* Rows that keep a step's work below a millisecond or so, as far as ASan lets it. */
static size_t take_rows(bytes *in, const description *d) {
    size_t weights = 0;
    for (size_t l = 0; l < d->config.layers; l++)
        weights += d->sizes[l] * d->sizes[l + 1];
    const size_t rows = 1 + (take_rarely(in, 4) ? take_below(in, 600) : take_below(in, 40)), most = 1 + 8192 / weights;
    return rows < most ? rows : most;
}

void take_description(bytes *in, description *d, bool odd) {
    bp_network_config *c = &d->config;
    *d = (description){.config = bp_network_config_defaults(),
                       .loss_options = bp_loss_options_defaults(),
                       .allocator = {allocate, release, NULL},
                       .odd = odd};
    c->sizes = d->sizes;
    c->activations = d->activations;
    c->loss_options = &d->loss_options;
    c->optimizer = &d->optimizer;
    c->allocator = &d->allocator;
    c->loss = (bp_loss_kind)take_below(in, LOSS_COUNT);
    take_layers(in, d);
    c->max_batch_size = take_rows(in, d);
    c->seed = take_u64(in, 2);
    const float threshold = take_fraction(in), smoothing = take_fraction(in);
    d->loss_options.huber_threshold = threshold > 0.0f ? threshold : 1.0f;
    d->loss_options.label_smoothing = c->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY ? smoothing : 0.0f;
    d->loss_options.reduction = (bp_reduction)take_below(in, REDUCTION_COUNT);
    d->optimizer = take_optimizer(in);
    c->gradients = take_flag(in);
    if (odd)
        take_oddity(in, d);
}

/* ---- Networks --------------------------------------------------------------------------------------------------- */

enum { BYTES_MAX = 8 << 20 };

static bp_status create(subject *s, bp_network_config config, bp_isa isa) {
    size_t size = 0;
    *s = (subject){.network = (bp_network *)s, .refuse = s->refuse};
    const bp_allocator allocator = {config.allocator->allocate, release, s};
    config.allocator = &allocator;
    REQUIRE(bp_cpu_set(isa) == BP_OK);
    const bp_status expected = bp_network_memory(&config, &size);
    if (expected == BP_OK && size > BYTES_MAX) {
        s->network = NULL;
        return BP_ERROR_MEMORY;
    }
    const bool refused = s->refuse > 0;
    const bp_status status = bp_network_create(&config, &s->network);
    REQUIRE((status == BP_OK) == (s->network != NULL));
    REQUIRE(status == BP_OK || s->allocations == 0);
    REQUIRE(status == expected || (refused && status == BP_ERROR_MEMORY && expected == BP_OK));
    s->refuse = 0;
    return status;
}

bool subjects_create(subject pair[2], const description *d, bytes *in) {
    bp_network_config config = d->config;
    const uint8_t choice = take_byte(in);
    bp_isa isa = (bp_isa)(choice % ISA_COUNT);
    if (!bp_cpu_supports(isa))
        isa = bp_cpu_best();
    config.threads = 1;
    pair[0].refuse = pair[1].refuse = take_rarely(in, 32);
    const bp_status status = create(&pair[0], config, BP_ISA_SCALAR);
    config.threads = 1 + choice / ISA_COUNT % 4;
    const bp_thread_pool pool = {run_backwards, NULL, config.threads};
    if (choice < 252) /* else the library's own threads */
        config.pool = &pool;
    const bp_status other = create(&pair[1], config, isa);
    if (status != BP_OK || other != BP_OK) {
        REQUIRE(d->odd || status == BP_ERROR_MEMORY || other == BP_ERROR_MEMORY);
        REQUIRE(status == other || status == BP_ERROR_MEMORY || other == BP_ERROR_MEMORY);
        subjects_destroy(pair);
        return false;
    }
    const uint64_t seed = take_byte(in);
    for (size_t k = 0; k < 2; k++)
        REQUIRE(bp_network_initialize(pair[k].network, seed) == BP_OK);
    return true;
}

void subjects_destroy(subject pair[2]) {
    for (size_t k = 0; k < 2; k++) {
        bp_network_destroy(pair[k].network);
        REQUIRE(pair[k].allocations == 0);
    }
}

static uint64_t hash_floats(uint64_t hash, const float *values, size_t count) {
    for (size_t k = 0; k < count; k++) {
        uint32_t bits;
        memcpy(&bits, &values[k], sizeof bits);
        if (values[k] != values[k])
            bits = 0x7fc00000;
        hash = (hash ^ bits) * UINT64_C(0x100000001b3);
    }
    return hash;
}

uint64_t subject_state(const bp_network *network) {
    uint64_t hash = bp_network_hash(network) ^ bp_network_steps(network) * 31 ^ bp_network_seed(network) * 1021;
    bp_tensor_info info;
    for (size_t index = 0; bp_network_tensor_info(network, index, &info) == BP_OK; index++) {
        const size_t count = info.shape[0] * info.shape[1];
        float *values = calloc(count, sizeof *values);
        REQUIRE(values);
        const bp_status status = bp_network_tensor_read(network, index, values, NULL);
        REQUIRE(status == BP_OK || info.role == BP_TENSOR_ROLE_GRADIENT);
        if (status == BP_OK)
            hash = hash_floats(hash, values, count);
        free(values);
    }
    return hash;
}
