/*
 * Inference on a constant network: a forward step whose workspace lies in the caller's memory. Outputs of even and of
 * odd layers share a matrix each. Rows are evaluated in pieces of at most BP_WORKSPACE_ROWS.
 */
#include <backprop/inference.h>

#include <stdint.h>
#include <string.h>

#include "check/refuse.h"
#include "float_environment.h"
#include "network/arena.h"
#include "network/step_run.h"
#include "network/step_schedule.h"

_Static_assert(BP_WORKSPACE_ROWS <= BP_ROW_BLOCK, "a piece is at most what a small step takes");

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool is_small(const bp_network *network) {
    return network->plan.small_rows > 0;
}

/* The layers of a small network, whose call reads these fields in a forward pass. */
static void lay_out_small(arena *a, const bp_network *network, bp_workspace *w) {
    const size_t layers = network->plan.layers;
    w->small_rows = w->slice_rows;
    w->small = arena_array(a, layers, 1, sizeof *w->small);
    float *const outputs[] = {arena_floats(a, w->slice_rows, network->backend->panel_width),
                              arena_floats(a, w->slice_rows, network->backend->panel_width)};
    for (size_t l = 0; l < layers && a->base; l++) {
        const dense_layer *k = &network->layers[l];
        w->small[l] = (bp_small_layer){.in = k->in,
                                       .out = k->out,
                                       .weights = k->weights.data,
                                       .biases = k->biases,
                                       .outputs = outputs[l % 2],
                                       .activation = k->activation,
                                       .derivative = k->derivative};
    }
}

static void lay_out_large(arena *a, const bp_network *network, bp_workspace *w) {
    const size_t layers = network->plan.layers, rows = w->slice_rows;
    size_t widest = 0;
    for (size_t l = 0; l < layers; l++) {
        const dense_layer *k = &network->layers[l];
        const size_t scratch = product_scratch_bytes(rows, k->in, k->out);
        w->scratch_bytes = scratch > w->scratch_bytes ? scratch : w->scratch_bytes;
        widest = k->out > widest ? k->out : widest;
    }
    w->layers = arena_array(a, layers, 1, sizeof *w->layers);
    w->phases = arena_array(a, MOST_PHASES(layers), 1, sizeof *w->phases);
    w->inputs = arena_packed(a, network->backend, rows, network->layers[0].in);
    float *const outputs[] = {arena_packed(a, network->backend, rows, widest).data,
                              arena_packed(a, network->backend, rows, widest).data};
    for (size_t l = 0; l < layers && a->base; l++) {
        const packed_shape shape = packed_shape_of(network->backend->panel_width, rows, network->layers[l].out);
        w->layers[l] = (layer_rows){.outputs = {outputs[l % 2], shape.row_stride, shape.panel_stride}};
    }
    w->scratch = arena_bytes(a, w->scratch_bytes);
}

/* The walk over a workspace for batches of so many rows; without a base it counts bytes. */
static void lay_out(arena *a, const bp_network *network, size_t rows, bp_workspace *w) {
    *w = (bp_workspace){.slice_rows = smaller(rows, BP_WORKSPACE_ROWS), .workers = 1};
    if (is_small(network))
        lay_out_small(a, network, w);
    else
        lay_out_large(a, network, w);
}

size_t bp_network_workspace_bytes(const bp_network *network, size_t rows) {
    if (!network || rows == 0)
        return 0;
    arena a = {0};
    bp_workspace w;
    lay_out(&a, network, rows, &w);
    return a.overflow ? SIZE_MAX : a.used;
}

/* ---- Checks --------------------------------------------------------------------------------------------------- */

/* Names of an array's arguments, for messages. */
typedef struct array_names {
    const char *data, *stride;
} array_names;

static const array_names inputs_names = {"batch.inputs", "batch.input_stride"},
                         outputs_names = {"outputs", "output_stride"};

static __attribute__((cold)) bp_status refuse_matrix(bp_status status, matrix m, const array_names *names) {
    if (status == BP_ERROR_SIZE && m.rows == 0)
        return bp_fail(status, "batch.rows is 0, and must be at least 1");
    if (status == BP_ERROR_SIZE)
        return bp_fail(status, "%s is %zu, and must be at least %zu, the length of a row, or 0 for packed rows",
                       names->stride, m.ld, m.columns);
    if (status == BP_ERROR_ALIGNMENT)
        return bp_fail(status, "%s is %p, and must be aligned to %zu bytes", names->data, m.data, sizeof(float));
    return bp_fail(status, "batch.rows is %zu and %s %zu: so many elements exceed the address range", m.rows,
                   names->stride, m.ld);
}

static inline bp_status check_array(matrix m, const array_names *names) {
    const bp_status status = check_matrix(m);
    return status == BP_OK ? BP_OK : refuse_matrix(status, m, names);
}

static __attribute__((cold)) bp_status refuse_overlap(const char *one, const char *other) {
    return bp_fail(BP_ERROR_OVERLAP, "%s overlaps %s", one, other);
}

static inline bp_status check_workspace(const void *memory, size_t given, size_t rows, size_t needed) {
    if (given < needed)
        return bp_fail(BP_ERROR_SIZE,
                       "workspace_bytes is %zu, and must be at least bp_network_workspace_bytes(network, %zu), %zu",
                       given, rows, needed);
    if ((uintptr_t)memory % BP_ALIGNMENT != 0)
        return bp_fail(BP_ERROR_ALIGNMENT, "workspace is %p, and must be aligned to BP_ALIGNMENT, %d bytes", memory,
                       BP_ALIGNMENT);
    return BP_OK;
}

/* The used bytes of the workspace count alone. */
static inline bp_status check_overlaps(const bp_network *network, matrix inputs, matrix outputs, const void *memory,
                                       size_t used) {
    const size_t own = bp_block_bytes(network);
    const size_t input_bytes = matrix_extent(inputs), output_bytes = matrix_extent(outputs);
    if (matrices_overlap(outputs, inputs))
        return refuse_overlap(outputs_names.data, inputs_names.data);
    if (ranges_overlap(network, own, outputs.data, output_bytes))
        return refuse_overlap(outputs_names.data, "the network's memory");
    if (ranges_overlap(network, own, inputs.data, input_bytes))
        return refuse_overlap(inputs_names.data, "the network's memory");
    if (ranges_overlap(network, own, memory, used))
        return refuse_overlap("workspace", "the network's memory");
    if (ranges_overlap(memory, used, outputs.data, output_bytes))
        return refuse_overlap("workspace", outputs_names.data);
    if (ranges_overlap(memory, used, inputs.data, input_bytes))
        return refuse_overlap("workspace", inputs_names.data);
    return BP_OK;
}

bp_status bp_network_infer(const bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride,
                           void *memory, size_t workspace_bytes) {
    CONTRACT_MODE(host);
    if (!network || !batch || !outputs || !memory)
        return FAIL_NULL({"network", network}, {"batch", batch}, {"outputs", outputs}, {"workspace", memory});
    if (!batch->inputs)
        return bp_fail(BP_ERROR_NULL, "batch.inputs is null");
    const size_t in = network->layers[0].in, out = bp_last_layer(network)->out;
    const size_t input_stride = batch->input_stride ? batch->input_stride : in;
    output_stride = output_stride ? output_stride : out;
    const matrix x = matrix_of(batch->inputs, batch->rows, in, input_stride);
    const matrix y = matrix_of(outputs, batch->rows, out, output_stride);
    bp_status status;
    if ((status = check_array(x, &inputs_names)) != BP_OK || (status = check_array(y, &outputs_names)) != BP_OK)
        return status;
    const size_t needed = bp_network_workspace_bytes(network, batch->rows);
    arena given = {.base = memory};
    bp_workspace w;
    if ((status = check_workspace(memory, workspace_bytes, batch->rows, needed)) != BP_OK ||
        (status = check_overlaps(network, x, y, memory, needed)) != BP_OK)
        return status;
    lay_out(&given, network, batch->rows, &w);
    step s = {.network = network, .workspace = &w, .output_stride = output_stride};
    s.batch.input_stride = input_stride;
    for (size_t row = 0; row < batch->rows; row += s.batch.rows) {
        s.batch.rows = smaller(batch->rows - row, w.slice_rows);
        s.batch.inputs = batch->inputs + row * input_stride;
        s.outputs = outputs + row * output_stride;
        bp_step_run(&s, s.batch.rows, NULL);
    }
    return BP_OK;
}
