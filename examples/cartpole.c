/*
 * Reinforcement learning with a loss of one's own: a cart learns to balance a pole by proximal policy optimization
 * (J. Schulman et al., 2017), in the world of A. G. Barto, R. S. Sutton, C. W. Anderson, "Neuronlike adaptive elements
 * that can solve difficult learning control problems", 1983.
 *
 * One network gives the logits of the two actions; the library runs it backward from deltas that this program computes.
 * Another one learns what a state is worth, by squared error. Everything, the physics included, is single operations of
 * binary32 and functions of the library, so that each run ends with the same weights on every machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/backprop.h>

#include "example.h"

enum { STATE = 4, ACTIONS = 2 }; /* position, velocity, angle, angular velocity; push left or right */
enum { CARTS = 16, TICKS = 128, ROWS = CARTS * TICKS, TIME_LIMIT = 500 };
enum { BATCH = 256, EPOCHS = 10 };

static const float discount = 0.99f, smoothing = 0.95f, clip = 0.2f;

/* Streams of random numbers beyond those of the library; see random.h. */
static const uint64_t start_stream = UINT64_C(1) << 40, action_stream = (UINT64_C(1) << 40) + 1;

/* ---- The world ------------------------------------------------------------------------------------------------ */

typedef struct world {
    uint64_t seed, starts; /* how many episodes have begun */
    float state[CARTS][STATE];
    uint32_t age[CARTS]; /* ticks of this episode */
} world;

static void start_episode(world *w, size_t cart) {
    for (size_t k = 0; k < STATE; k++)
        w->state[cart][k] = 0.05f * bp_random_symmetric(w->seed, start_stream, w->starts * STATE + k);
    w->starts++;
    w->age[cart] = 0;
}

static void start_all(world *w, uint64_t seed) {
    *w = (world){.seed = seed};
    for (size_t cart = 0; cart < CARTS; cart++)
        start_episode(w, cart);
}

/* One tick of 20 ms for all carts. */
static void push(world *w, const uint32_t *actions) {
    const float tick = 0.02f, gravity = 9.8f, force = 10.0f;
    const float pole_mass = 0.1f, total_mass = 1.1f, half_length = 0.5f, quarter_turn = 1.5707963f;
    float angles[2 * CARTS], sines[2 * CARTS];
    for (size_t c = 0; c < CARTS; c++) {
        angles[c] = w->state[c][2];
        angles[CARTS + c] = w->state[c][2] + quarter_turn; /* its sine is the cosine */
    }
    check(bp_activate(sines, 2 * CARTS, angles, 2 * CARTS, 1, 2 * CARTS, (bp_activation){.kind = BP_ACTIVATION_SINE}));
    for (size_t c = 0; c < CARTS; c++) {
        float *s = w->state[c];
        const float sine = sines[c], cosine = sines[CARTS + c];
        const float swing = pole_mass * half_length;
        const float thrust = ((actions[c] ? force : -force) + swing * s[3] * s[3] * sine) / total_mass;
        const float turn = (gravity * sine - cosine * thrust) /
                           (half_length * (4.0f / 3.0f - pole_mass * cosine * cosine / total_mass));
        const float pull = thrust - swing * turn * cosine / total_mass;
        s[0] += tick * s[1];
        s[1] += tick * pull;
        s[2] += tick * s[3];
        s[3] += tick * turn;
        w->age[c]++;
    }
}

/* The pole leans by more than 12 degrees, or the cart has left its track. */
static bool has_fallen(const float *s) {
    return s[0] < -2.4f || s[0] > 2.4f || s[2] < -0.2094395f || s[2] > 0.2094395f;
}

/* ---- Experience ----------------------------------------------------------------------------------------------- */

/* What has happened, tick by tick, all carts in each. */
typedef struct experience {
    float state[ROWS][STATE], next[ROWS][STATE];
    uint32_t action[ROWS];
    float probability[ROWS]; /* of the action, when it was chosen */
    bool fallen[ROWS];       /* then the next state is worth nothing */
    bool last[ROWS];         /* of its episode */
    float worth[ROWS], next_worth[ROWS];
    float advantage[ROWS];  /* how much better the action was than what was expected */
    float target[ROWS];     /* of the state's worth */
    size_t episodes, ticks; /* that ended in here, and how long they lasted in all */
} experience;

static bp_dataset states(float (*rows)[STATE], float *targets) {
    return (bp_dataset){
        .rows = ROWS, .inputs = rows[0], .input_columns = STATE, .targets = targets, .target_columns = 1};
}

/* Probabilities of the actions of all carts. */
static void consider(bp_network *policy, const world *w, float (*p)[ACTIONS]) {
    const bp_batch batch = {.rows = CARTS, .inputs = w->state[0]};
    check(bp_network_forward(policy, &batch, p[0], 0));
    check(bp_softmax(p[0], ACTIONS, p[0], ACTIONS, CARTS, ACTIONS));
}

static void gather(bp_network *policy, world *w, experience *e, uint64_t *choices) {
    e->episodes = e->ticks = 0;
    for (size_t tick = 0; tick < TICKS; tick++) {
        const size_t first = tick * CARTS;
        float p[CARTS][ACTIONS];
        consider(policy, w, p);
        memcpy(e->state[first], w->state, sizeof w->state);
        for (size_t c = 0; c < CARTS; c++) {
            const float drawn = 0.5f + 0.5f * bp_random_symmetric(w->seed, action_stream, (*choices)++);
            const uint32_t action = drawn >= p[c][0];
            e->action[first + c] = action;
            e->probability[first + c] = p[c][action];
        }
        push(w, e->action + first);
        memcpy(e->next[first], w->state, sizeof w->state);
        for (size_t c = 0; c < CARTS; c++) {
            e->fallen[first + c] = has_fallen(w->state[c]);
            e->last[first + c] = e->fallen[first + c] || w->age[c] == TIME_LIMIT;
            if (e->last[first + c]) {
                e->episodes++;
                e->ticks += w->age[c];
                start_episode(w, c);
            }
        }
    }
}

/* Advantages by J. Schulman et al., "High-dimensional continuous control using generalized advantage estimation", 2016;
 * each tick earns 1. */
static void estimate(bp_network *value, experience *e) {
    const bp_dataset before = states(e->state, NULL), after = states(e->next, NULL);
    check(bp_network_predict(value, &before, e->worth, 0));
    check(bp_network_predict(value, &after, e->next_worth, 0));
    for (size_t row = ROWS; row-- > 0;) {
        const float future = e->fallen[row] ? 0.0f : discount * e->next_worth[row];
        const float later = row + CARTS < ROWS && !e->last[row] ? e->advantage[row + CARTS] : 0.0f;
        e->advantage[row] = (1.0f + future - e->worth[row]) + discount * smoothing * later;
        e->target[row] = e->advantage[row] + e->worth[row];
    }
    float shift, scale;
    check(bp_scaling_fit(&shift, &scale, e->advantage, 0, NULL, ROWS, 1, BP_SCALING_STANDARD));
    check(bp_scaling_apply(e->advantage, 0, e->advantage, 0, &shift, &scale, ROWS, 1));
}

/* ---- Learning ------------------------------------------------------------------------------------------------- */

typedef struct minibatch {
    const experience *e;
    const uint32_t *rows; /* of the experience */
    size_t count;
} minibatch;

/*
 * With ratio r = p(action) / p(action) when it was chosen, and advantage A, the loss is the mean of -r A, constant
 * where r has gone further than the clip the way that A wants it. Its derivative by logit j is r A (p_j - (j ==
 * action)).
 */
static void clipped_loss(void *context, size_t first, size_t rows, const float *logits, size_t logit_stride,
                         float *delta, size_t delta_stride) {
    const minibatch *m = context;
    check(bp_softmax(delta, delta_stride, logits, logit_stride, rows, ACTIONS));
    for (size_t n = 0; n < rows; n++) {
        float *d = delta + n * delta_stride;
        const uint32_t row = m->rows[first + n], action = m->e->action[row];
        const float ratio = d[action] / m->e->probability[row], advantage = m->e->advantage[row];
        const bool clipped = advantage > 0.0f ? ratio > 1.0f + clip : ratio < 1.0f - clip;
        const float factor = clipped ? 0.0f : ratio * advantage / (float)m->count;
        for (uint32_t j = 0; j < ACTIONS; j++)
            d[j] = factor * (d[j] - (j == action ? 1.0f : 0.0f));
    }
}

static void learn(bp_network *policy, bp_network *value, experience *e, bp_batches *batches, uint64_t seed,
                  size_t iteration, float learning_rate) {
    for (size_t epoch = 0; epoch < EPOCHS; epoch++) {
        bp_batch batch;
        check(bp_batches_shuffle(batches, seed, iteration * EPOCHS + epoch));
        while (bp_batches_next(batches, &batch)) {
            minibatch m = {e, bp_batches_rows(batches), batch.rows};
            bp_backward_options options = bp_backward_options_defaults();
            options.learning_rate = learning_rate;
            options.loss_callback = clipped_loss;
            options.loss_context = &m;
            check(bp_network_backward(policy, &batch, &options));
            check(bp_network_train_step(value, &batch, learning_rate, NULL));
        }
    }
}

static bp_network *make_network(size_t outputs, uint64_t seed) {
    const size_t sizes[] = {STATE, 64, 64, outputs};
    const bp_activation activations[] = {
        {.kind = BP_ACTIVATION_TANH}, {.kind = BP_ACTIVATION_TANH}, {.kind = BP_ACTIVATION_IDENTITY}};
    const bp_optimizer adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    bp_network_config config = bp_network_config_defaults();
    config.layers = 3;
    config.sizes = sizes;
    config.activations = activations;
    config.optimizer = &adam;
    config.max_batch_size = BATCH;
    config.seed = seed;
    config.threads = 1;
    bp_network *network;
    check(bp_network_create(&config, &network));
    return network;
}

/* ---- What has been learned ------------------------------------------------------------------------------------- */

/* Mean length of an episode of each cart, without chance. */
static double balance(bp_network *policy, uint64_t seed) {
    world w;
    bool over[CARTS] = {false};
    size_t ticks = 0, going = CARTS;
    start_all(&w, seed);
    for (size_t tick = 0; tick < TIME_LIMIT && going > 0; tick++) {
        float p[CARTS][ACTIONS];
        uint32_t actions[CARTS];
        consider(policy, &w, p);
        check(bp_classify(actions, p[0], 0, CARTS, ACTIONS));
        push(&w, actions);
        for (size_t c = 0; c < CARTS; c++) {
            ticks += !over[c];
            if (!over[c] && has_fallen(w.state[c])) {
                over[c] = true;
                going--;
            }
        }
    }
    return (double)ticks / CARTS;
}

/* How the wish to push to the right depends on what is seen: the gradient of the inputs. */
static void explain(bp_network *policy) {
    static const char *const names[STATE] = {"position", "velocity", "angle", "angular velocity"};
    const float upright[STATE] = {0}, delta[ACTIONS] = {-1.0f, 1.0f};
    float gradient[STATE];
    const bp_batch batch = {.rows = 1, .inputs = upright};
    bp_backward_options options = bp_backward_options_defaults();
    options.gradient = BP_GRADIENT_MODE_SKIP;
    options.delta = delta;
    options.input_gradient = gradient;
    check(bp_network_backward(policy, &batch, &options));
    printf("upright and at rest, the logits' difference changes with");
    for (size_t k = 0; k < STATE; k++)
        printf("%s the %s by %+.2f", k ? "," : "", names[k], (double)gradient[k]);
    printf("\n");
}

int main(int argc, char **argv) {
    enum { ITERATIONS, SEED, OPTIONS };
    example_option options[OPTIONS] = {
        [ITERATIONS] = {"--iterations", "40", "rounds of 2048 ticks and of learning from them"},
        [SEED] = {"--seed", "1", "of everything that is drawn"},
    };
    example_options(argc, argv, "Learns to balance a pole on a cart.", options, OPTIONS);
    const size_t iterations = (size_t)example_number(&options[ITERATIONS], 1, 100000);
    const uint64_t seed = example_number(&options[SEED], 0, UINT64_MAX - 1);

    bp_network *policy = make_network(ACTIONS, seed), *value = make_network(1, seed + 1);
    experience *e = allocate(1, sizeof *e);
    const bp_dataset set = states(e->state, e->target);
    bp_batches *batches;
    check(bp_batches_create(&set, BATCH, NULL, &batches));
    world w;
    uint64_t choices = 0;
    start_all(&w, seed);
    bp_schedule schedule = bp_schedule_defaults(BP_SCHEDULE_LINEAR);
    schedule.steps = iterations;
    for (size_t iteration = 0; iteration < iterations; iteration++) {
        float learning_rate;
        check(bp_schedule_learning_rate(&schedule, iteration, &learning_rate));
        gather(policy, &w, e, &choices);
        estimate(value, e);
        learn(policy, value, e, batches, seed, iteration, learning_rate);
        printf("iteration %zu: %zu episodes ended, after %.1f ticks on average\n", iteration + 1, e->episodes,
               e->episodes ? (double)e->ticks / (double)e->episodes : 0.0);
        fflush(stdout);
    }
    printf("balanced for %.1f of %d ticks\n", balance(policy, seed + 1), TIME_LIMIT);
    explain(policy);
    example_finish(policy);

    bp_batches_destroy(batches);
    bp_network_destroy(policy);
    bp_network_destroy(value);
    free(e);
    return 0;
}
