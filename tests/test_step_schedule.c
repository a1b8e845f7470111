/*
 * The schedule of a step, as data: which operations it has at which sizes, and, for random networks, that it computes
 * each thing once, after what it needs, with a barrier between where other workers computed that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/dense.h>

#include "harness/random.h"
#include "harness/session.h"
#include "network/step_schedule.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { LAYERS_MAX = 7, PHASES_MAX = MOST_PHASES(LAYERS_MAX), TEXT = 1024 };

/* ---- Networks without memory ---------------------------------------------------------------------------------- */

/* What a schedule reads of a network. */
typedef struct sketch {
    bp_backend backend;
    dense_layer layers[LAYERS_MAX];
    bp_network network;
    step_phase phases[PHASES_MAX];
} sketch;

static void small_step(const bp_small_step *step) {
    (void)step;
}

static void draw(sketch *s, size_t layers, const size_t *sizes, size_t threads) {
    memset(s, 0, sizeof *s);
    s->backend = (bp_backend){.panel_width = 16, .column_unit = 16, .small_step = small_step};
    s->network.backend = &s->backend;
    s->network.layers = s->layers;
    s->network.plan = (network_plan){.layers = layers, .workers = threads, .slice_rows = 1024};
    s->network.workspace = (bp_workspace){.slice_rows = 1024, .workers = threads};
    for (size_t l = 0; l < layers; l++) {
        s->layers[l] = (dense_layer){.in = sizes[l], .out = sizes[l + 1]};
        s->network.plan.row_flops += 2.0 * (double)sizes[l] * (double)sizes[l + 1];
    }
    s->network.plan.row_step_flops = bp_step_flops(sizes, layers, 1);
}

static step_schedule plan(sketch *s, const step_request *request) {
    step_schedule result = {.phases = s->phases};
    bp_schedule_slice(&result, &s->network, &s->network.workspace, request);
    assert_true(result.count > 0 && result.count <= MOST_PHASES(s->network.plan.layers));
    assert_true(result.rows > 0 && result.rows <= request->rows);
    for (size_t k = 0; k < result.count; k++)
        assert_true(s->phases[k].count > 0 && s->phases[k].count <= COUNT(s->phases[k].operations));
    return result;
}

/* ---- Known schedules ------------------------------------------------------------------------------------------ */

static const char *const names[] = {
    [PACK_INPUTS] = "pack",         [FORWARD_ROWS] = "forward",
    [WRITE_OUTPUTS] = "outputs",    [LOSS] = "loss",
    [DELTAS_ROWS] = "deltas",       [FORWARD_COLUMNS] = "forward-columns",
    [BACKWARD_COLUMNS] = "columns", [UPDATE] = "update",
    [BACKWARD] = "backward",        [SMALL_STEP] = "small",
    [BLOCK_GRADIENT] = "block",     [ADD_BLOCKS] = "add",
};

/* "2: forward 0-2, loss | 2: update 0-2": workers, operations with their layers, end excluded. */
static void tell(char text[static TEXT], const step_schedule *s) {
    size_t at = 0;
    text[0] = '\0';
    for (size_t k = 0; k < s->count; k++) {
        const step_phase *p = &s->phases[k];
        at += (size_t)snprintf(text + at, TEXT - at, "%s%zu%s:", k ? " | " : "", p->workers, p->each_block ? "b" : "");
        for (size_t o = 0; o < p->count; o++) {
            const step_operation *op = &p->operations[o];
            at += (size_t)snprintf(text + at, TEXT - at, "%s %s", o ? "," : "", names[op->kind]);
            if (op->end > op->first)
                at += (size_t)snprintf(text + at, TEXT - at, " %zu-%zu", op->first, op->end);
        }
        assert_true(at < TEXT);
    }
}

typedef struct known {
    size_t layers, sizes[LAYERS_MAX + 1], threads, rows;
    const char *text;
    size_t slice;  /* rows; 0: all */
    size_t stride; /* of the inputs; 0: packed */
    size_t small_rows, worker_blocks;
    bool forward, input_gradient, in_order;
    size_t normalized; /* bits of layers */
} known;

static const known all[] = {
    /* Around the size from which a second thread pays: 300000 operations each forward, 2000000 of a training step. */
    {3, {64, 64, 64, 64}, 2, 24, "1: forward 0-3, outputs", .forward = true},
    {3, {64, 64, 64, 64}, 2, 25, "2: forward 0-3, outputs", .forward = true},
    {3, {64, 64, 64, 64}, 2, 8, "1: forward 0-3, loss, backward 0-3"},
    {3, {64, 64, 64, 64}, 2, 61, "1: forward 0-3, loss, backward 0-3"},
    {3, {64, 64, 64, 64}, 2, 62, "2: forward 0-3, loss, deltas 0-3 | 2: update 0-3"},
    {3, {64, 64, 64, 64}, 1, 1024, "1: forward 0-3, loss, backward 0-3"},
    {3, {64, 64, 64, 64}, 1, 1025, "1: forward 0-3, loss, backward 0-3", .slice = 1024},
    /* The one call of a small network. */
    {2, {2, 2, 2}, 1, 256, "1: small 0-2", .small_rows = 256},
    {2, {2, 2, 2}, 1, 257, "1: forward 0-2, loss, backward 0-2", .small_rows = 256},
    /* Inputs are packed where many outputs use them: they are large, or their rows lie pages apart. */
    {1, {1024, 128}, 1, 64, "1: forward 0-1, loss, backward 0-1", .stride = 1025},
    {1, {1024, 128}, 1, 65, "1: pack, forward 0-1, loss, backward 0-1", .stride = 1025},
    {1, {1024, 128}, 1, 2, "1: pack, forward 0-1, loss, backward 0-1", .stride = 1024},
    {1, {1024, 64}, 1, 64, "1: forward 0-1, loss, backward 0-1", .stride = 1024},
    {1, {1024, 128}, 1, 64, "1: pack, forward 0-1, outputs", .stride = 1024, .forward = true},
    /* Whole row blocks for each of two threads, at most two. */
    {3, {64, 64, 64, 64}, 2, 511, "2: forward 0-3, loss, deltas 0-3 | 2: update 0-3", .worker_blocks = 2},
    {3, {64, 64, 64, 64}, 2, 512, "2b: forward 0-3, loss, block 0-3 | 2: add 0-3", .worker_blocks = 2},
    {3, {64, 64, 64, 64}, 2, 1536, "2b: forward 0-3, loss, block 0-3 | 2: add 0-3", .slice = 1024, .worker_blocks = 2},
    {3,
     {64, 64, 64, 64},
     2,
     512,
     "2: forward 0-3 | 1: loss | 2: deltas 0-3 | 2: update 0-3",
     .worker_blocks = 2,
     .in_order = true},
    /* Columns where the weights are large against the values of the rows. */
    {2,
     {1024, 1024, 1024},
     2,
     32,
     "2: forward-columns 0-1 | 2: forward-columns 1-2 | 2: loss | 2: columns 1-2 | 2: columns 0-1",
     .stride = 1025},
    {2,
     {1024, 1024, 1024},
     2,
     32,
     "2: pack | 2: forward-columns 0-1 | 2: forward-columns 1-2 | 2: loss | 2: columns 1-2 | 2: columns 0-1"},
    {2,
     {1024, 1024, 1024},
     2,
     32,
     "2: forward-columns 0-1 | 2: forward-columns 1-2 | 2: loss | 2: columns 1-2 | 2: deltas 0-1 | 2: columns 0-1",
     .input_gradient = true},
    {2,
     {1024, 1024, 1024},
     2,
     32,
     "2: forward-columns 0-1 | 2: forward-columns 1-2 | 1: loss | 2: columns 1-2 | 2: columns 0-1",
     .stride = 1025,
     .in_order = true},
    {2,
     {1024, 1024, 1024},
     2,
     32,
     "2: forward-columns 0-1 | 2: forward-columns 1-2 | 2: outputs",
     .stride = 1025,
     .forward = true},
    /* Both: a layer by columns between layers by rows, whose update waits for it; and normalization, by rows always. */
    {3,
     {64, 1024, 1024, 16},
     2,
     64,
     "2: forward 0-1 | 2: forward-columns 1-2 | 2: forward 2-3, loss, deltas 2-3 | 2: update 2-3, columns 1-2 | "
     "2: update 0-1"},
    {3, {64, 1024, 1024, 16}, 2, 64, "2: forward 0-3, loss, deltas 0-3 | 2: update 0-3", .normalized = 2},
};

static void schedules_are_the_known_ones(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(all); k++) {
        const known *n = &all[k];
        static sketch s;
        draw(&s, n->layers, n->sizes, n->threads);
        s.network.workspace.small_rows = n->small_rows;
        s.network.plan.worker_blocks = n->worker_blocks;
        for (size_t l = 0; l < n->layers; l++)
            s.layers[l].normalized = n->normalized >> l & 1;
        const step_request request = {.rows = n->rows,
                                      .input_stride = n->stride ? n->stride : n->sizes[0],
                                      .outputs = n->forward,
                                      .train = !n->forward,
                                      .input_gradient = n->input_gradient,
                                      .in_order = n->in_order,
                                      .one_call = true};
        const step_schedule result = plan(&s, &request);
        char text[TEXT];
        tell(text, &result);
        if (strcmp(text, n->text) != 0)
            fail_msg("case %zu, %zu rows on %zu threads: %s\ninstead of %s", k, n->rows, n->threads, text, n->text);
        assert_int_equal(result.rows, n->slice ? n->slice : n->rows);
    }
}

/* ---- Any schedule --------------------------------------------------------------------------------------------- */

/* The phase that computed something, counted from 1; 0: none did. Index l + 1 of deltas: those of layer l; 0: dL/dx. */
typedef struct history {
    size_t packed, outputs[LAYERS_MAX], loss, deltas[LAYERS_MAX + 1], updated[LAYERS_MAX], blocks, written;
} history;

static void once(size_t *done, size_t phase) {
    assert_int_equal(*done, 0);
    *done = phase;
}

/* Something was computed, and by all workers: before this phase, or in it, if each works on its own rows throughout. */
static void ready(size_t done, size_t phase, bool own_rows) {
    assert_true(done > 0 && (done < phase || (own_rows && done == phase)));
}

/* Layers below have deltas nobody needs. */
static bool wanted(const sketch *s, const step_request *r, size_t l) {
    return r->input_gradient || l > s->network.lowest;
}

static void follow(const sketch *s, const step_request *r, const step_schedule *plan, history *h) {
    const size_t last = s->network.plan.layers - 1;
    for (size_t k = 0; k < plan->count; k++) {
        const step_phase *p = &plan->phases[k];
        const size_t now = k + 1;
        for (size_t o = 0; o < p->count; o++) {
            const step_operation *op = &p->operations[o];
            const bool rows = op->kind <= DELTAS_ROWS || p->workers == 1 || p->each_block;
            switch (op->kind) {
            case PACK_INPUTS:
                assert_false(plan->inputs_in_place);
                once(&h->packed, now);
                break;
            case FORWARD_ROWS:
            case FORWARD_COLUMNS:
                for (size_t l = op->first; l < op->end; l++) {
                    if (l == 0 && !plan->inputs_in_place)
                        ready(h->packed, now, rows);
                    if (l > 0)
                        ready(h->outputs[l - 1], now, rows);
                    once(&h->outputs[l], now);
                }
                assert_true(rows || (op->end == op->first + 1 && !s->layers[op->first].normalized));
                break;
            case WRITE_OUTPUTS:
                ready(h->outputs[last], now, true);
                once(&h->written, now);
                break;
            case LOSS:
                ready(h->outputs[last], now, p->workers > 1 || plan->count == 1);
                assert_true(!r->in_order || p->workers == 1);
                once(&h->loss, now);
                once(&h->deltas[last + 1], now);
                break;
            case DELTAS_ROWS:
            case BACKWARD_COLUMNS:
            case BACKWARD:
            case BLOCK_GRADIENT:
                for (size_t l = op->end; l-- > op->first;) {
                    if (l >= s->network.lowest || r->input_gradient)
                        ready(h->deltas[l + 1], now, rows);
                    assert_int_equal(h->updated[l], 0); /* deltas by the weights from before the step */
                    if (op->kind == BACKWARD_COLUMNS)   /* normalization needs whole rows */
                        assert_false(s->layers[l].normalized || (l > 0 && s->layers[l - 1].normalized));
                    if (wanted(s, r, l) && (l > 0 || op->kind != BACKWARD_COLUMNS))
                        once(&h->deltas[l], now);
                    if (op->kind != DELTAS_ROWS && op->kind != BLOCK_GRADIENT)
                        once(&h->updated[l], now);
                }
                if (op->kind == BLOCK_GRADIENT)
                    once(&h->blocks, now);
                break;
            case UPDATE:
                for (size_t l = op->first; l < op->end; l++) {
                    if (l >= s->network.lowest) /* frozen layers are passed over */
                        ready(h->deltas[l + 1], now, false);
                    if (wanted(s, r, l) && (l > 0 || r->input_gradient))
                        ready(h->deltas[l], now, false);
                    once(&h->updated[l], now);
                }
                break;
            case ADD_BLOCKS:
                ready(h->blocks, now, false);
                for (size_t l = 0; l <= last; l++)
                    once(&h->updated[l], now);
                break;
            case SMALL_STEP:
                fail_msg("these networks are not small");
            }
        }
    }
    for (size_t l = 0; l <= last; l++) {
        assert_true(h->outputs[l] > 0);
        assert_true((h->updated[l] > 0) == (r->train && !(h->blocks && r->skips_gradient)));
    }
    assert_true((h->loss > 0) == !r->outputs && (h->written > 0) == r->outputs);
    assert_true((h->deltas[0] > 0) == (r->train && r->input_gradient));
}

static void every_thing_once_in_order(void **state) {
    (void)state;
    static const size_t widths[] = {1, 16, 64, 100, 512, 1024, 3000}, batches[] = {1, 7, 32, 256, 511, 1024, 5000};
    test_random random = test_random_for(test_seed(), "schedules");
    size_t columns = 0, blocks = 0;
    for (int trial = 0; trial < 20000; trial++) {
        static sketch s;
        size_t sizes[LAYERS_MAX + 1];
        const size_t layers = 1 + test_random_below(&random, LAYERS_MAX);
        for (size_t l = 0; l <= layers; l++)
            sizes[l] = widths[test_random_below(&random, COUNT(widths))];
        draw(&s, layers, sizes, 1 + test_random_below(&random, 8));
        s.backend.in_place = test_random_below(&random, 2);
        s.network.plan.worker_blocks = 2 * test_random_below(&random, 2);
        for (size_t l = 0; l + 1 < layers; l++)
            s.layers[l].normalized = test_random_below(&random, 8) == 0;
        if (test_random_below(&random, 4) == 0)
            s.network.lowest = s.network.frozen = test_random_below(&random, layers + 1);
        const bool train = test_random_below(&random, 4) > 0, skips = train && test_random_below(&random, 4) == 0;
        const step_request request = {.rows = batches[test_random_below(&random, COUNT(batches))],
                                      .input_stride = sizes[0] + test_random_below(&random, 2),
                                      .outputs = !train && test_random_below(&random, 2) == 0,
                                      .train = train,
                                      .skips_gradient = skips,
                                      .input_gradient = skips || (train && test_random_below(&random, 4) == 0),
                                      .in_order = train && test_random_below(&random, 4) == 0};
        const step_schedule result = plan(&s, &request);
        history h = {0};
        follow(&s, &request, &result, &h);
        blocks += h.blocks > 0;
        for (size_t k = 0; k < result.count; k++)
            columns += result.phases[k].operations[0].kind == FORWARD_COLUMNS;
    }
    assert_true(columns > 1000 && blocks > 100); /* the trials see all kinds */
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_are_the_known_ones),
        cmocka_unit_test(every_thing_once_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
