/* A layer forward: its product, then what layer normalization and dropout ask for. */
#include "network/forward.h"

/* Streams of masks differ from those of initial weights (one a layer) and of shuffles (one an epoch). */
bp_dropout_mask bp_step_mask(const bp_network *network, size_t l) {
    return (bp_dropout_mask){
        .probability = network->layers[l].dropout,
        .seed = network->seed,
        .stream = ((uint64_t)l + 1) << BP_STEP_BITS | network->optimizer.steps,
    };
}

/* Where layer l's derivatives go, from a row and a column of the slice on; data is null if they are not saved. */
static const bp_packed *derivatives_at(const step *s, size_t l, size_t row, size_t column, bp_packed *part) {
    static const bp_packed none = {0};
    if (!s->train || !s->network->layers[l].saves_derivative)
        return &none;
    return bp_part_in(s, &s->workspace->layers[l].saved, row, column, part);
}

/* Layer normalization, then the activation that it put off. */
static void normalize(const step *s, size_t l, row_range p) {
    const bp_backend *backend = s->network->backend;
    const dense_layer *k = &s->network->layers[l];
    const layer_rows *values = &s->workspace->layers[l];
    const bp_packed a = bp_part(s, &values->outputs, p.stored, 0);
    const bp_packed normalized = s->train ? bp_part(s, &values->normalized, p.stored, 0) : (bp_packed){0};
    bp_packed part;
    float *rstd = s->train ? values->rstd + p.stored : NULL;
    backend->normalize(a, normalized, rstd, k->gamma, k->beta, p.rows, k->out);
    if (k->activation.kind != BP_ACTIVATION_IDENTITY)
        backend->activate(a, *derivatives_at(s, l, p.stored, 0, &part), p.rows, k->out, k->activation);
}

static void drop_out(const step *s, size_t l, row_range p, size_t column, size_t columns) {
    const layer_rows *values = &s->workspace->layers[l];
    bp_dropout_mask mask = bp_step_mask(s->network, l);
    mask.row = s->first_row + p.from;
    mask.column = column;
    s->network->backend->dropout(bp_part(s, &values->outputs, p.stored, column),
                                 bp_part(s, &values->saved, p.stored, column), p.rows, columns,
                                 s->network->layers[l].activation, &mask);
}

void bp_pack_inputs(const step *s, row_range p) {
    s->network->backend->pack(bp_part(s, &s->workspace->inputs, p.stored, 0),
                              s->batch.inputs + p.from * s->batch.input_stride, s->batch.input_stride, p.rows,
                              s->network->layers[0].in);
}

void bp_forward_layers(const step *s, size_t first, size_t end, row_range p, size_t worker, size_t workers) {
    static const bp_packed none = {0};
    const bp_activation identity = {.kind = BP_ACTIVATION_IDENTITY};
    const bp_backend *backend = s->network->backend;
    for (size_t l = first; l < end; l++) {
        const dense_layer *k = &s->network->layers[l];
        const range out = columns_of(backend, k->out, worker, workers);
        if (out.begin == out.end)
            continue;
        bp_packed a, f, x, w;
        backend->forward(bp_part_in(s, &s->workspace->layers[l].outputs, p.stored, out.begin, &a),
                         k->normalized ? &none : derivatives_at(s, l, p.stored, out.begin, &f),
                         bp_layer_inputs(s, l, p, 0, &x), bp_part_in(s, &k->weights, 0, out.begin, &w),
                         k->biases + out.begin, p.rows, k->in, out.end - out.begin,
                         k->normalized ? identity : k->activation, p.scratch);
        if (k->normalized) /* all columns are here: the schedule shares such a layer by rows */
            normalize(s, l, p);
        if (k->dropout > 0.0f && s->train)
            drop_out(s, l, p, out.begin, out.end - out.begin);
    }
}

void bp_write_outputs(const step *s, row_range p) {
    const size_t last = s->network->plan.layers - 1;
    s->network->backend->unpack(s->outputs + p.from * s->output_stride, s->output_stride,
                                bp_part(s, &s->workspace->layers[last].outputs, p.stored, 0), p.rows,
                                s->network->layers[last].out);
}
