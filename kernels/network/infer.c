/*
 * Inference on a constant network. What the forward pass writes lies in the caller's workspace: layers like the
 * network's, with the same parameters and other outputs, and for a network that is not small a bp_network around them,
 * so that the ordinary code runs on it.
 *
 *   of a small network   layers | outputs of even layers | of odd ones
 *   of others            bp_network | layers | packed inputs | outputs of even layers | of odd ones | scratch
 *
 * Rows are evaluated in pieces of at most BP_WORKSPACE_ROWS.
 */
#include <backprop/inference.h>

#include <stdint.h>
#include <string.h>

#include <backprop/dense.h>

#include "api/check.h"
#include "failure.h"
#include "float_environment.h"
#include "network/step.h"

_Static_assert(BP_WORKSPACE_ROWS <= BP_ROW_BLOCK, "a piece is at most what a small step takes");

/* Bytes of a workspace's parts, each a whole number of lines. */
typedef struct workspace_layout {
    size_t rows; /* of a piece */
    uint64_t layers, inputs, outputs, scratch, bytes;
} workspace_layout;

static inline uint64_t whole_lines(uint64_t bytes) {
    return (bytes + BP_ALIGNMENT - 1) / BP_ALIGNMENT * BP_ALIGNMENT;
}

static inline bool is_small(const bp_network *network) {
    return network->small_rows_plan > 0;
}

static inline uint64_t matrix_bytes(const bp_network *network, size_t rows, size_t columns) {
    return whole_lines((uint64_t)rows * bp_row_floats(network->backend->panel_width, columns) * sizeof(float));
}

/* No sum wraps: the network, whose weights are as wide, has been allocated. */
static inline workspace_layout lay_out(const bp_network *network, size_t batch_rows) {
    workspace_layout w = {.rows = batch_rows < BP_WORKSPACE_ROWS ? batch_rows : BP_WORKSPACE_ROWS};
    if (is_small(network)) { /* no layer is wider than a panel */
        w.layers = whole_lines((uint64_t)network->layers * sizeof(bp_small_layer));
        w.outputs = whole_lines((uint64_t)w.rows * network->backend->panel_width * sizeof(float));
        w.bytes = w.layers + 2 * w.outputs;
        return w;
    }
    w.layers = whole_lines((uint64_t)network->layers * sizeof(bp_dense_layer));
    w.inputs = matrix_bytes(network, w.rows, network->layer[0].in);
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        const uint64_t outputs = matrix_bytes(network, w.rows, k->out);
        const uint64_t scratch = whole_lines(product_scratch_bytes(w.rows, k->in, k->out));
        w.outputs = outputs > w.outputs ? outputs : w.outputs;
        w.scratch = scratch > w.scratch ? scratch : w.scratch;
    }
    w.bytes = whole_lines(sizeof(bp_network)) + w.layers + w.inputs + 2 * w.outputs + w.scratch;
    return w;
}

size_t bp_network_workspace_bytes(const bp_network *network, size_t rows) {
    if (!network || rows == 0)
        return 0;
    const uint64_t bytes = lay_out(network, rows).bytes;
    return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
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

static inline bp_status check_workspace(const void *workspace, size_t given, size_t rows, uint64_t needed) {
    if (given < needed)
        return bp_fail(BP_ERROR_SIZE,
                       "workspace_bytes is %zu, and must be at least bp_network_workspace_bytes(network, %zu), %llu",
                       given, rows, (unsigned long long)needed);
    if ((uintptr_t)workspace % BP_ALIGNMENT != 0)
        return bp_fail(BP_ERROR_ALIGNMENT, "workspace is %p, and must be aligned to BP_ALIGNMENT, %d bytes", workspace,
                       BP_ALIGNMENT);
    return BP_OK;
}

/* The used bytes of the workspace count alone. */
static inline bp_status check_overlaps(const bp_network *network, matrix inputs, matrix outputs, const void *workspace,
                                       size_t used) {
    const size_t own = network->bytes - BP_ALIGNMENT;
    const size_t input_bytes = matrix_extent(inputs), output_bytes = matrix_extent(outputs);
    if (matrices_overlap(outputs, inputs))
        return refuse_overlap(outputs_names.data, inputs_names.data);
    if (ranges_overlap(network, own, outputs.data, output_bytes))
        return refuse_overlap(outputs_names.data, "the network's memory");
    if (ranges_overlap(network, own, inputs.data, input_bytes))
        return refuse_overlap(inputs_names.data, "the network's memory");
    if (ranges_overlap(network, own, workspace, used))
        return refuse_overlap("workspace", "the network's memory");
    if (ranges_overlap(workspace, used, outputs.data, output_bytes))
        return refuse_overlap("workspace", outputs_names.data);
    if (ranges_overlap(workspace, used, inputs.data, input_bytes))
        return refuse_overlap("workspace", inputs_names.data);
    return BP_OK;
}

/* ---- The two ways --------------------------------------------------------------------------------------------- */

/* A matrix of `rows` rows; in one panel of a small network's. */
static bp_packed matrix_at(const bp_network *network, void *at, size_t rows, size_t columns) {
    const packed_shape shape = bp_packed_shape(network->backend->panel_width, rows, columns);
    return (bp_packed){at, shape.row_stride, shape.panel_stride};
}

/* small_step reads of these layers what a forward pass needs. */
static void infer_small(const bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride,
                        char *workspace, const workspace_layout *w) {
    const bp_backend *backend = network->backend;
    bp_small_layer *layers = (bp_small_layer *)workspace;
    const size_t panel = backend->panel_width, last = network->layers - 1;
    bp_small_layers(layers, network->layer, network->layers);
    for (size_t l = 0; l <= last; l++)
        layers[l].outputs = (float *)(workspace + w->layers + (l % 2 ? w->outputs : 0));
    const bp_packed result = {layers[last].outputs, panel, w->rows * panel};
    bp_batch piece = {.inputs = batch->inputs, .input_stride = batch->input_stride};
    const bp_small_step small = {.layers = layers, .count = network->layers, .batch = &piece, .loss = LOSS_COUNT};
    for (size_t row = 0; row < batch->rows; row += piece.rows) {
        piece.rows = batch->rows - row < w->rows ? batch->rows - row : w->rows;
        piece.inputs = batch->inputs + row * batch->input_stride;
        network->small_step(&small);
        backend->unpack(outputs + row * output_stride, output_stride, result, piece.rows, layers[last].out);
    }
}

static void infer_any(const bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride,
                      char *workspace, const workspace_layout *w) {
    bp_network *shadow = (bp_network *)workspace;
    char *at = workspace + whole_lines(sizeof *shadow);
    /* In one piece: the layers follow the network in its block, too. */
    memcpy(shadow, network, (size_t)((const char *)(network->layer + network->layers) - (const char *)network));
    shadow->layer = (bp_dense_layer *)at;
    at += w->layers;
    shadow->inputs = matrix_at(network, at, w->rows, network->layer[0].in);
    at += w->inputs;
    for (size_t l = 0; l < network->layers; l++)
        shadow->layer[l].outputs = matrix_at(network, at + (l % 2 ? w->outputs : 0), w->rows, network->layer[l].out);
    shadow->scratch = at + 2 * w->outputs;
    shadow->scratch_bytes = (size_t)w->scratch;
    shadow->slice_rows = w->rows;
    shadow->workers = 1;
    step s = {.network = shadow, .batch = *batch, .outputs = outputs, .output_stride = output_stride};
    for (s.begin = 0; s.begin < s.batch.rows; s.begin += s.rows)
        bp_step_slice(&s);
}

bp_status bp_network_infer(const bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride,
                           void *workspace, size_t workspace_bytes) {
    CONTRACT_MODE(host);
    if (!network || !batch || !outputs || !workspace)
        return bp_fail(BP_ERROR_NULL, "%s is null",
                       !network   ? "network"
                       : !batch   ? "batch"
                       : !outputs ? "outputs"
                                  : "workspace");
    if (!batch->inputs)
        return bp_fail(BP_ERROR_NULL, "batch.inputs is null");
    const size_t in = network->layer[0].in, out = network->layer[network->layers - 1].out;
    const bp_batch rows = {
        .rows = batch->rows, .inputs = batch->inputs, .input_stride = batch->input_stride ? batch->input_stride : in};
    output_stride = output_stride ? output_stride : out;
    const matrix x = matrix_of(rows.inputs, rows.rows, in, rows.input_stride);
    const matrix y = matrix_of(outputs, rows.rows, out, output_stride);
    bp_status status;
    if ((status = check_array(x, &inputs_names)) != BP_OK || (status = check_array(y, &outputs_names)) != BP_OK)
        return status;
    const workspace_layout w = lay_out(network, rows.rows);
    if ((status = check_workspace(workspace, workspace_bytes, rows.rows, w.bytes)) != BP_OK ||
        (status = check_overlaps(network, x, y, workspace, (size_t)w.bytes)) != BP_OK)
        return status;
    if (is_small(network))
        infer_small(network, &rows, outputs, output_stride, workspace, &w);
    else
        infer_any(network, &rows, outputs, output_stride, workspace, &w);
    return BP_OK;
}
