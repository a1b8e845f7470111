/* A network in words. */
#include <stdarg.h>
#include <stdio.h>

#include <backprop/dense.h>
#include <backprop/inspect.h>

#include "float_environment.h"
#include "network/step.h"

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
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        say(t, "%5zu %8zu %8zu  %-10s %11zu", l, k->in, k->out, bp_activation_name(k->activation.kind),
            bp_layer_parameters(k));
        if (k->norm.gamma)
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

/* The ranges of layers by rows and by columns. */
static void say_sharing(text *t, const bp_network *network, const slice_plan *plan) {
    for (size_t first = 0, end; first < network->layers; first = end) {
        const bool by_columns = bp_by_columns(network, first, plan->rows, plan->update_workers);
        for (end = first + 1; end < network->layers; end++)
            if (bp_by_columns(network, end, plan->rows, plan->update_workers) != by_columns)
                break;
        say(t, first == 0 ? ", " : "; ");
        if (end == first + 1)
            say(t, "layer %zu", first);
        else
            say(t, "layers %zu to %zu", first, end - 1);
        say(t, " by %s", by_columns ? "columns" : "rows");
    }
}

/* The schedule of a training step of so many rows. */
static void say_step(text *t, const bp_network *network, size_t rows) {
    say(t, "a step of ");
    say_count(t, rows, "row");
    say(t, ": %.0f floating-point operations, ", bp_network_step_flops(network, rows));
    if (rows <= network->small_rows) {
        say(t, "one call for the whole step on 1 thread\n");
        return;
    }
    const slice_plan plan = bp_step_plan(network, rows, true, false);
    if (plan.rows < rows)
        say(t, "in slices of %zu rows on ", plan.rows);
    else
        say(t, "in one slice on ");
    say_count(t, plan.workers, "thread");
    if (plan.blocks)
        say(t, ", each takes whole blocks of %d rows", BP_ROW_BLOCK);
    else if (plan.workers > 1)
        say_sharing(t, network, &plan);
    say(t, "\n");
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
    for (size_t l = 0; l < network->layers; l++)
        say(&t, "%zu-", network->layer[l].in);
    say(&t, "%zu: ", network->layer[network->layers - 1].out);
    say_count(&t, network->layers, "layer");
    say(&t, ", ");
    say_count(&t, bp_network_parameters(network), "parameter");
    say(&t, ", %zu bytes of memory\n", network->bytes);
    say_layers(&t, network);
    say(&t, "loss: %s\noptimizer: %s\n", bp_loss_name(network->loss), bp_optimizer_name(network->optimizer.kind));
    say(&t, "kernels: %s, tile of %zu x %zu; up to ", bp_isa_name(kernels->isa), kernels->tile_rows,
        kernels->tile_columns);
    say_count(&t, network->workers, "thread");
    say(&t, "%s\n",
        network->workers == 1   ? ""
        : network->private_pool ? " of the library's pool"
                                : " of the given pool");
    say_step(&t, network, network->max_batch_size);
    if (network->max_batch_size > 1)
        say_step(&t, network, 1);
    return t.length;
}
