/* A network in words. */
#include <stdarg.h>
#include <stdio.h>

#include <backprop/dense.h>
#include <backprop/inspect.h>

#include "float_environment.h"
#include "network/step_schedule.h"

/* Text; `length` counts what does not fit, too. */
typedef struct text {
    char *at;
    size_t size, length;
} text;

__attribute__((format(printf, 2, 3))) static void say(text *t, const char *format, ...) {
    const size_t room = t->length < t->size ? t->size - t->length : 0;
    va_list arguments;
    va_start(arguments, format);
    const int more = vsnprintf(room ? t->at + t->length : NULL, room, format, arguments);
    va_end(arguments);
    t->length += more > 0 ? (size_t)more : 0;
}

static const char *plural(size_t count) {
    return count == 1 ? "" : "s";
}

static void say_count(text *t, size_t count, const char *what) {
    say(t, "%zu %s%s", count, what, plural(count));
}

static void say_layers(text *t, const bp_network *network) {
    say(t, "layer   inputs  outputs  activation  parameters\n");
    for (size_t l = 0; l < network->plan.layers; l++) {
        const dense_layer *k = &network->layers[l];
        say(t, "%5zu %8zu %8zu  %-10s %11zu", l, k->in, k->out, bp_activation_name(k->activation.kind),
            bp_layer_parameters(k));
        if (k->normalized)
            say(t, ", normalized");
        if (k->dropout > 0.0f) { /* %f would follow the locale */
            const unsigned thousandths = (unsigned)(k->dropout * 1000.0f + 0.5f);
            say(t, ", dropout %u.%03u", thousandths / 1000, thousandths % 1000);
        }
        if (k->frozen)
            say(t, ", frozen");
        say(t, "\n");
    }
}

/* ---- The schedule --------------------------------------------------------------------------------------------- */

/* An operation in words; the layers of a backward one are told as it takes them, from the last to the first. */
typedef struct operation_words {
    const char *name;
    bool has_layers, backward;
    const char *share; /* a worker's, if there are several */
} operation_words;

static const operation_words words[] = {
    [PACK_INPUTS] = {"pack inputs", false, false, "rows"},
    [FORWARD_ROWS] = {"forward", true, false, "rows"},
    [WRITE_OUTPUTS] = {"outputs", false, false, "rows"},
    [LOSS] = {"loss", false, false, "rows"},
    [DELTAS_ROWS] = {"deltas", true, true, "rows"},
    [FORWARD_COLUMNS] = {"forward", true, false, "columns"},
    [BACKWARD_COLUMNS] = {"deltas and update", true, true, "columns"},
    [UPDATE] = {"update", true, true, "parts"},
    [BACKWARD] = {"deltas and update", true, true, "all"},
    [SMALL_STEP] = {"everything in one call", false, false, "all"},
    [BLOCK_GRADIENT] = {"deltas and gradient", true, true, "row blocks"},
    [ADD_BLOCKS] = {"add the blocks' gradients, update", false, false, "parts"},
};

static void say_operation(text *t, const step_operation *o) {
    const operation_words *w = &words[o->kind];
    const size_t last = o->end - 1;
    say(t, "%s", w->name);
    if (w->has_layers)
        say(t, " %zu", w->backward ? last : o->first);
    if (w->has_layers && last > o->first)
        say(t, "-%zu", w->backward ? o->first : last);
}

static void say_phase(text *t, size_t number, const step_phase *p) {
    say(t, "  phase %zu, ", number);
    say_count(t, p->workers, "thread");
    if (p->workers > 1)
        say(t, " by %s", p->each_block ? "row blocks" : words[p->operations[p->count - 1].kind].share);
    for (size_t k = 0; k < p->count; k++) {
        say(t, k == 0 ? ": " : ", ");
        say_operation(t, &p->operations[k]);
    }
    say(t, "\n");
}

/* Networks of more layers are described without phases. */
enum { SCHEDULED_LAYERS = 64 };

/* The schedule of a training step of so many rows. */
static void say_step(text *t, const bp_network *network, size_t rows) {
    step_phase phases[MOST_PHASES(SCHEDULED_LAYERS)];
    step_schedule s = {.phases = phases};
    const step_request request = {.rows = rows, .input_stride = network->layers[0].in, .train = true, .one_call = true};
    say(t, "a step of ");
    say_count(t, rows, "row");
    say(t, ": %.0f floating-point operations", bp_network_step_flops(network, rows));
    if (network->plan.layers <= SCHEDULED_LAYERS)
        bp_schedule_slice(&s, network, &network->workspace, &request);
    if (s.count > 0 && s.rows < rows)
        say(t, ", in slices of %zu rows", s.rows);
    say(t, "\n");
    for (size_t k = 0; k < s.count; k++)
        say_phase(t, k + 1, &phases[k]);
}

size_t bp_network_summary(const bp_network *network, char *text_at, size_t size) {
    CONTRACT_MODE(host);
    if (text_at && size > 0)
        text_at[0] = '\0';
    if (!network || (!text_at && size > 0))
        return 0;
    text t = {text_at, size, 0};
    const bp_kernels *kernels = &network->backend->kernels;
    say(&t, "network ");
    for (size_t l = 0; l < network->plan.layers; l++)
        say(&t, "%zu-", network->layers[l].in);
    say(&t, "%zu: ", bp_last_layer(network)->out);
    say_count(&t, network->plan.layers, "layer");
    say(&t, ", ");
    say_count(&t, bp_network_parameters(network), "parameter");
    say(&t, ", %zu bytes of memory\n", network->bytes);
    say_layers(&t, network);
    say(&t, "loss: %s\noptimizer: %s\n", bp_loss_name(network->plan.loss),
        bp_optimizer_name(network->optimizer.settings.kind));
    say(&t, "kernels: %s, tile of %zu x %zu; up to ", bp_isa_name(kernels->isa), kernels->tile_rows,
        kernels->tile_columns);
    say_count(&t, network->plan.workers, "thread");
    say(&t, "%s\n",
        network->plan.workers == 1 ? ""
        : network->private_pool    ? " of the library's pool"
                                   : " of the given pool");
    say_step(&t, network, network->plan.max_batch_size);
    if (network->plan.max_batch_size > 1)
        say_step(&t, network, 1);
    return t.length;
}
