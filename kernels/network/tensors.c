/*
 * The list of a network's tensors: their names, where they are in its memory, copies in and out. Tensors are numbered
 * set by set: the parameters, their gradients, each array of their state, their moving average.
 */
#include <backprop/tensor.h>

#include <stdio.h>
#include <string.h>

#include "api/check.h"
#include "api/optimizer.h"
#include "failure.h"
#include "network/network.h"

/* ---- The list -------------------------------------------------------------------------------------------------- */

/* A tensor as the network holds it. A vector is a matrix of one row. */
typedef struct tensor {
    bp_tensor_role role;
    bp_tensor_part part;
    size_t layer, state;
    size_t module; /* its number in names */
    size_t rows, columns;
    bp_packed data; /* of a vector: one line */
} tensor;

static size_t parts_of(const bp_dense_layer *k) {
    return k->norm.gamma ? 4 : 2;
}

static size_t tensors_in_set(const bp_network *network) {
    size_t count = 0;
    for (size_t l = 0; l < network->layers; l++)
        count += parts_of(&network->layer[l]);
    return count;
}

size_t bp_network_tensor_count(const bp_network *network) {
    return network ? tensors_in_set(network) * (1 + network->gradients + network->states) : 0;
}

/* Modules of nn.Sequential that stand for a layer. */
static size_t modules_of(const bp_dense_layer *k) {
    return 1 + (k->norm.gamma != NULL) + (k->activation.kind != BP_ACTIVATION_IDENTITY) + (k->dropout > 0.0f);
}

static bp_packed line(float *data) {
    return (bp_packed){.data = data};
}

static bp_packed data_of(const bp_network *network, const tensor *t) {
    const bp_dense_layer *k = &network->layer[t->layer];
    const bool gradient = t->role == BP_TENSOR_ROLE_GRADIENT;
    bp_packed data;
    switch (t->part) {
    case BP_TENSOR_PART_WEIGHT:
        data = gradient ? k->gradient : k->weights;
        break;
    case BP_TENSOR_PART_BIAS:
        data = line(gradient ? k->bias_gradient : k->biases);
        break;
    case BP_TENSOR_PART_GAMMA:
        data = line(gradient ? k->norm.gamma_gradient : k->norm.gamma);
        break;
    default:
        data = line(gradient ? k->norm.beta_gradient : k->norm.beta);
    }
    /* Each array of state lies as the parameters do, the average last. */
    if (t->role == BP_TENSOR_ROLE_STATE)
        data.data += (1 + t->state) * network->parameters;
    if (t->role == BP_TENSOR_ROLE_EMA)
        data.data += network->states * network->parameters;
    return data;
}

/* Tensor `index`, which must be there. */
static tensor tensor_at(const bp_network *network, size_t index) {
    const size_t in_set = tensors_in_set(network), states = bp_optimizer_states(network->optimizer.kind);
    size_t set = index / in_set, part = index % in_set;
    tensor t = {.role = BP_TENSOR_ROLE_PARAMETER};
    if (set == 1 && network->gradients) {
        t.role = BP_TENSOR_ROLE_GRADIENT;
    } else if (set > 0) {
        const size_t state = set - 1 - network->gradients;
        t.role = state < states ? BP_TENSOR_ROLE_STATE : BP_TENSOR_ROLE_EMA;
        t.state = state < states ? state : 0;
    }
    const bp_dense_layer *k = network->layer;
    for (; part >= parts_of(k); k++) {
        part -= parts_of(k);
        t.module += modules_of(k);
        t.layer++;
    }
    t.part = (bp_tensor_part)part;
    t.module += part >= BP_TENSOR_PART_GAMMA;
    t.rows = t.part == BP_TENSOR_PART_WEIGHT ? k->in : 1;
    t.columns = k->out;
    t.data = data_of(network, &t);
    return t;
}

/* "squares.2.bias". */
static void name_of(char name[static 64], const bp_network *network, const tensor *t) {
    const char *prefix = t->role == BP_TENSOR_ROLE_GRADIENT ? "gradient"
                         : t->role == BP_TENSOR_ROLE_STATE  ? bp_optimizer_state_name(network->optimizer.kind, t->state)
                         : t->role == BP_TENSOR_ROLE_EMA    ? "ema"
                                                            : "";
    const bool weight = t->part == BP_TENSOR_PART_WEIGHT || t->part == BP_TENSOR_PART_GAMMA;
    snprintf(name, 64, "%s%s%zu.%s", prefix, *prefix ? "." : "", t->module, weight ? "weight" : "bias");
}

static __attribute__((cold)) bp_status is_null(const char *argument) {
    return bp_fail(BP_ERROR_NULL, "%s is null", argument);
}

static __attribute__((cold)) bp_status no_tensor(const bp_network *network, size_t index) {
    return bp_fail(BP_ERROR_VALUE, "index is %zu, and must be below the network's number of tensors, %zu", index,
                   bp_network_tensor_count(network));
}

bp_status bp_network_tensor_info(const bp_network *network, size_t index, bp_tensor_info *info) {
    if (!network || !info)
        return is_null(network ? "info" : "network");
    if (index >= bp_network_tensor_count(network))
        return no_tensor(network, index);
    const tensor t = tensor_at(network, index);
    const bool has_rows = t.part == BP_TENSOR_PART_WEIGHT;
    *info = (bp_tensor_info){.role = t.role,
                             .part = t.part,
                             .layer = t.layer,
                             .state = t.state,
                             .dimensions = has_rows ? 2 : 1,
                             .shape = {has_rows ? t.rows : t.columns, has_rows ? t.columns : 1}};
    name_of(info->name, network, &t);
    return BP_OK;
}

static __attribute__((cold)) bp_status no_name(const bp_network *network, const char *name) {
    if (strncmp(name, "gradient.", strlen("gradient.")) == 0 && !network->gradients)
        return bp_fail(BP_ERROR_VALUE,
                       "name is '%.80s', and the network has no gradients: it was made without `gradients`", name);
    char first[64], last[64];
    const size_t count = bp_network_tensor_count(network);
    tensor t = tensor_at(network, 0);
    name_of(first, network, &t);
    t = tensor_at(network, count - 1);
    name_of(last, network, &t);
    return bp_fail(BP_ERROR_VALUE, "name is '%.80s', and the network has no such tensor: it has %zu, from %s to %s",
                   name, count, first, last);
}

bp_status bp_network_tensor_find(const bp_network *network, const char *name, size_t *index) {
    if (!network || !name || !index)
        return is_null(!network ? "network" : !name ? "name" : "index");
    const size_t count = bp_network_tensor_count(network);
    for (size_t k = 0; k < count; k++) {
        char there[64];
        const tensor t = tensor_at(network, k);
        name_of(there, network, &t);
        if (strcmp(there, name) == 0) {
            *index = k;
            return BP_OK;
        }
    }
    return no_name(network, name);
}

/* ---- Copies ---------------------------------------------------------------------------------------------------- */

/* Where the caller's elements are: (i, j) at i * row + j * column. */
typedef struct view {
    size_t row, column;
} view;

static bp_status check_strides(const tensor *t, const size_t *strides, view *v, size_t *reach) {
    const bool has_rows = t->part == BP_TENSOR_PART_WEIGHT;
    *v = (view){t->columns, 1};
    if (strides)
        *v = has_rows ? (view){strides[0], strides[1]} : (view){0, strides[0]};
    /* The larger stride must step over all that the smaller one reaches. */
    const bool by_rows = v->row >= v->column;
    const size_t inner = by_rows ? v->column : v->row, inner_steps = (by_rows ? t->columns : t->rows) - 1,
                 outer = by_rows ? v->row : v->column, outer_steps = (by_rows ? t->rows : t->columns) - 1;
    const size_t limit = PTRDIFF_MAX / sizeof(float) - 1;
    if (inner_steps > 0 && inner > limit / inner_steps)
        return bp_fail(BP_ERROR_OVERFLOW, "strides reach beyond the address space: the smaller one is %zu", inner);
    const size_t last = inner_steps * inner;
    if (inner_steps > 0 && inner == 0)
        return bp_fail(BP_ERROR_SIZE, "strides[%d] is 0, and must be at least 1", by_rows && has_rows ? 1 : 0);
    if (outer_steps > 0 && outer <= last)
        return bp_fail(BP_ERROR_SIZE, "strides[%d] is %zu, and must be above %zu: elements of the tensor would meet",
                       by_rows || !has_rows ? 0 : 1, outer, last);
    if (outer_steps > 0 && outer > (limit - last) / outer_steps)
        return bp_fail(BP_ERROR_OVERFLOW, "strides[%d] is %zu, which reaches beyond the address space",
                       by_rows || !has_rows ? 0 : 1, outer);
    *reach = last + outer_steps * outer + 1;
    return BP_OK;
}

static __attribute__((cold)) bp_status no_gradient(const bp_network *network, const tensor *t) {
    char name[64];
    name_of(name, network, t);
    return bp_fail(BP_ERROR_VALUE,
                   "there is no gradient, '%s', now: bp_network_backward with BP_GRADIENT_MODE_STORE or "
                   "bp_network_accumulate makes one, until an update, a step or a change of the network",
                   name);
}

/* What reading and writing ask of their arguments. */
static bp_status check(const bp_network *network, size_t index, const float *values, const size_t *strides, tensor *t,
                       view *v) {
    if (!network || !values)
        return is_null(network ? "values" : "network");
    if (index >= bp_network_tensor_count(network))
        return no_tensor(network, index);
    *t = tensor_at(network, index);
    size_t reach = 0;
    const bp_status status = check_strides(t, strides, v, &reach);
    if (status != BP_OK)
        return status;
    if ((uintptr_t)values % sizeof *values != 0)
        return bp_fail(BP_ERROR_ALIGNMENT, "values is not aligned to %zu bytes", sizeof *values);
    if ((uintptr_t)values > UINTPTR_MAX - reach * sizeof *values)
        return bp_fail(BP_ERROR_OVERFLOW, "values reaches beyond the address space: %zu elements", reach);
    if (ranges_overlap(network, network->bytes - BP_ALIGNMENT, values, reach * sizeof *values))
        return bp_fail(BP_ERROR_OVERLAP, "values lies in the network's own memory");
    return t->role == BP_TENSOR_ROLE_GRADIENT && !network->gradient_stored ? no_gradient(network, t) : BP_OK;
}

/* Rows of the caller's whose elements follow each other. A single column has such rows by any stride. */
static bool has_lines(const tensor *t, view v) {
    return v.column == 1 || t->columns == 1;
}

static size_t line_stride(const tensor *t, view v) {
    return t->rows == 1 ? t->columns : v.row;
}

/* Rows and columns that are copied at a time where strides are any, so that both sides stay in the cache. */
#define COPY_ROWS 16

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Columns from j on that are copied together: they lie in one panel. */
static size_t copy_columns(const tensor *t, size_t panel, size_t j) {
    return smaller(smaller(t->columns - j, COPY_ROWS), panel - j % panel);
}

static void read_any(float *values, view v, const tensor *t, size_t panel) {
    for (size_t j = 0, columns; j < t->columns; j += columns) {
        columns = copy_columns(t, panel, j);
        for (size_t i = 0; i < t->rows; i += COPY_ROWS) {
            const bp_packed from = packed_part(t->data, panel, i, j);
            const size_t rows = smaller(t->rows - i, COPY_ROWS);
            for (size_t c = 0; c < columns; c++)
                for (size_t r = 0; r < rows; r++)
                    values[(i + r) * v.row + (j + c) * v.column] = from.data[r * from.row_stride + c];
        }
    }
}

static void write_any(const tensor *t, size_t panel, const float *values, view v) {
    for (size_t j = 0, columns; j < t->columns; j += columns) {
        columns = copy_columns(t, panel, j);
        for (size_t i = 0; i < t->rows; i += COPY_ROWS) {
            const bp_packed to = packed_part(t->data, panel, i, j);
            const size_t rows = smaller(t->rows - i, COPY_ROWS);
            for (size_t c = 0; c < columns; c++)
                for (size_t r = 0; r < rows; r++)
                    to.data[r * to.row_stride + c] = values[(i + r) * v.row + (j + c) * v.column];
        }
    }
}

bp_status bp_network_tensor_read(const bp_network *network, size_t index, float *values, const size_t *strides) {
    tensor t;
    view v;
    const bp_status status = check(network, index, values, strides, &t, &v);
    if (status != BP_OK)
        return status;
    const bool vector = t.part != BP_TENSOR_PART_WEIGHT;
    if (!has_lines(&t, v))
        read_any(values, v, &t, vector ? WHOLE_ROWS : network->backend->panel_width);
    else if (vector)
        memcpy(values, t.data.data, t.columns * sizeof *values);
    else
        network->backend->unpack(values, line_stride(&t, v), t.data, t.rows, t.columns);
    return BP_OK;
}

static void copy_in(const bp_network *network, const tensor *t, const float *values, view v) {
    const bool vector = t->part != BP_TENSOR_PART_WEIGHT;
    if (!has_lines(t, v))
        write_any(t, vector ? WHOLE_ROWS : network->backend->panel_width, values, v);
    else if (vector)
        memcpy(t->data.data, values, t->columns * sizeof *values);
    else
        network->backend->pack(t->data, values, line_stride(t, v), t->rows, t->columns);
}

bp_status bp_network_tensor_write(bp_network *network, size_t index, const float *values, const size_t *strides) {
    tensor t;
    view v;
    const bp_status status = check(network, index, values, strides, &t, &v);
    if (status != BP_OK)
        return status;
    if (t.role != BP_TENSOR_ROLE_GRADIENT)
        bp_update_state_changes(network);
    copy_in(network, &t, values, v);
    if (t.role == BP_TENSOR_ROLE_PARAMETER && network->coefficients.arrays.ema) {
        t.role = BP_TENSOR_ROLE_EMA;
        t.data = data_of(network, &t);
        copy_in(network, &t, values, v);
    }
    return BP_OK;
}
