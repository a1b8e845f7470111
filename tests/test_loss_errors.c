/* Bad inputs of bp_loss_targets, bp_loss_labels and the losses' names. */
#include "bad_inputs.h"
#include "enum_counts.h"

typedef struct targets {
    float *delta;
    size_t ldd;
    float *row_loss;
    const float *a;
    size_t lda;
    const float *y;
    size_t ldy;
    const float *weights;
    size_t batch, out;
    bp_loss_kind loss;
    float parameter;
} targets;

static bp_loss_kind loss;

static targets good_targets(void) {
    return (targets){slot(0), LD, slot(1), slot(2), LD, slot(3), LD, slot(4), BATCH, OUT, loss, 0.5f};
}

static bp_status call_targets(targets t) {
    return bp_loss_targets(t.delta, t.ldd, t.row_loss, t.a, t.lda, t.y, t.ldy, t.weights, t.batch, t.out, t.loss,
                           t.parameter, 0.25f);
}

static const bp_loss_kind with_targets[] = {
    BP_LOSS_MSE,
    BP_LOSS_MAE,
    BP_LOSS_HUBER,
    BP_LOSS_BINARY_CROSS_ENTROPY,
    BP_LOSS_HINGE,
    BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS,
    BP_LOSS_KULLBACK_LEIBLER,
};
static const bp_loss_kind with_labels[] = {BP_LOSS_SOFTMAX_CROSS_ENTROPY, BP_LOSS_MULTICLASS_HINGE};
static const bp_loss_kind no_loss[] = {LOSS_COUNT, (bp_loss_kind)-1, (bp_loss_kind)1000};

static void arrays_of_targets(void) {
    EXPECT(BP_OK, call_targets(good_targets()));
    EXPECT_WITH(BP_OK, targets, delta = NULL, with.ldd = 0);
    EXPECT_WITH(BP_OK, targets, row_loss = NULL);
    EXPECT_WITH(BP_OK, targets, weights = NULL);
    EXPECT_WITH(BP_OK, targets, weights = slot(2)); /* inputs may overlap each other */
    EXPECT_WITH(BP_OK, targets, delta = slot(2));
    EXPECT_WITH(BP_ERROR_NULL, targets, delta = with.row_loss = NULL);
    EXPECT_WITH(BP_ERROR_NULL, targets, a = NULL);
    EXPECT_WITH(BP_ERROR_NULL, targets, y = NULL);
    EXPECT_WITH(BP_ERROR_SIZE, targets, batch = 0);
    EXPECT_WITH(BP_ERROR_SIZE, targets, out = 0);
    EXPECT_WITH(BP_ERROR_SIZE, targets, ldd = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, targets, lda = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, targets, ldy = OUT - 1);
    EXPECT_WITH(BP_ERROR_OVERFLOW, targets, batch = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, targets, ldd = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, targets, lda = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, targets, ldy = huge);
    EXPECT_WITH(BP_ERROR_ALIGNMENT, targets, delta = misaligned(0));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, targets, row_loss = misaligned(1));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, targets, a = misaligned(2));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, targets, y = misaligned(3));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, targets, weights = misaligned(4));
    EXPECT_WITH(BP_ERROR_OVERLAP, targets, delta = slot(2) + 1);
    EXPECT_WITH(BP_ERROR_OVERLAP, targets, delta = slot(2), with.ldd = OUT);
    EXPECT_WITH(BP_ERROR_OVERLAP, targets, delta = slot(3));
    EXPECT_WITH(BP_ERROR_OVERLAP, targets, delta = slot(4));
    EXPECT_WITH(BP_ERROR_OVERLAP, targets, row_loss = slot(0) + LD);
    EXPECT_WITH(BP_ERROR_OVERLAP, targets, row_loss = slot(2));
    EXPECT_WITH(BP_ERROR_OVERLAP, targets, row_loss = slot(2), with.delta = slot(2));
    EXPECT_WITH(BP_ERROR_OVERLAP, targets, row_loss = slot(3), with.delta = NULL);
    EXPECT_WITH(BP_ERROR_OVERLAP, targets, row_loss = slot(4) + BATCH - 1);
}

static void losses_with_targets(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof with_targets / sizeof *with_targets; k++) {
        loss = with_targets[k];
        arrays_of_targets();
    }
    for (size_t k = 0; k < sizeof with_labels / sizeof *with_labels; k++) {
        EXPECT_WITH(BP_ERROR_VALUE, targets, loss = with_labels[k]);
    }
    for (size_t k = 0; k < sizeof no_loss / sizeof *no_loss; k++) {
        EXPECT_WITH(BP_ERROR_VALUE, targets, loss = no_loss[k]);
    }
    static const float bad_thresholds[] = {0.0f, -1.0f, NAN, INFINITY};
    for (size_t k = 0; k < sizeof bad_thresholds / sizeof *bad_thresholds; k++) {
        loss = BP_LOSS_HUBER;
        EXPECT_WITH(BP_ERROR_VALUE, targets, parameter = bad_thresholds[k]);
        loss = BP_LOSS_MAE;
        EXPECT_WITH(BP_OK, targets, parameter = bad_thresholds[k]); /* not its business */
    }
}

typedef struct labeled {
    float *delta;
    size_t ldd;
    float *row_loss;
    const float *z;
    size_t ldz;
    const uint32_t *labels;
    const float *weights;
    size_t batch, classes;
    bp_loss_kind loss;
    float parameter;
} labeled;

static labeled good_labeled(void) {
    return (labeled){slot(0), LD, slot(1), slot(2), LD, labels(), slot(4), BATCH, OUT, loss, 0.5f};
}

static bp_status call_labeled(labeled l) {
    return bp_loss_labels(l.delta, l.ldd, l.row_loss, l.z, l.ldz, l.labels, l.weights, l.batch, l.classes, l.loss,
                          l.parameter, 1.0f);
}

static void arrays_of_labels(void) {
    static const uint32_t last_too_large[BATCH] = {0, 1, OUT}, largest[BATCH] = {UINT32_MAX, 0, 0};
    EXPECT(BP_OK, call_labeled(good_labeled()));
    EXPECT_WITH(BP_OK, labeled, delta = NULL);
    EXPECT_WITH(BP_OK, labeled, row_loss = NULL);
    EXPECT_WITH(BP_OK, labeled, weights = NULL);
    EXPECT_WITH(BP_OK, labeled, delta = slot(2));
    EXPECT_WITH(BP_ERROR_NULL, labeled, delta = with.row_loss = NULL);
    EXPECT_WITH(BP_ERROR_NULL, labeled, z = NULL);
    EXPECT_WITH(BP_ERROR_NULL, labeled, labels = NULL);
    EXPECT_WITH(BP_ERROR_SIZE, labeled, batch = 0);
    EXPECT_WITH(BP_ERROR_SIZE, labeled, classes = 0);
    EXPECT_WITH(BP_ERROR_SIZE, labeled, ldd = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, labeled, ldz = OUT - 1);
    EXPECT_WITH(BP_ERROR_OVERFLOW, labeled, batch = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, labeled, ldd = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, labeled, ldz = huge);
    EXPECT_WITH(BP_ERROR_ALIGNMENT, labeled, delta = misaligned(0));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, labeled, row_loss = misaligned(1));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, labeled, z = misaligned(2));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, labeled, labels = (const uint32_t *)(const void *)misaligned(5));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, labeled, weights = misaligned(4));
    EXPECT_WITH(BP_ERROR_OVERLAP, labeled, delta = slot(2) + 1);
    EXPECT_WITH(BP_ERROR_OVERLAP, labeled, delta = slot(4));
    EXPECT_WITH(BP_ERROR_OVERLAP, labeled, delta = slot(5));
    EXPECT_WITH(BP_ERROR_OVERLAP, labeled, row_loss = slot(0));
    EXPECT_WITH(BP_ERROR_OVERLAP, labeled, row_loss = slot(2));
    EXPECT_WITH(BP_ERROR_OVERLAP, labeled, row_loss = slot(4));
    EXPECT_WITH(BP_ERROR_OVERLAP, labeled, row_loss = slot(5) + 1);
    EXPECT_WITH(BP_ERROR_LABEL, labeled, labels = last_too_large);
    EXPECT_WITH(BP_ERROR_LABEL, labeled, labels = largest);
    EXPECT_WITH(BP_ERROR_LABEL, labeled, classes = OUT - 1);
}

static void losses_with_labels(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof with_labels / sizeof *with_labels; k++) {
        loss = with_labels[k];
        arrays_of_labels();
    }
    for (size_t k = 0; k < sizeof with_targets / sizeof *with_targets; k++) {
        EXPECT_WITH(BP_ERROR_VALUE, labeled, loss = with_targets[k]);
    }
    for (size_t k = 0; k < sizeof no_loss / sizeof *no_loss; k++) {
        EXPECT_WITH(BP_ERROR_VALUE, labeled, loss = no_loss[k]);
    }
    static const float bad_smoothings[] = {-0x1p-149f, 0x1.000002p0f, NAN, INFINITY};
    for (size_t k = 0; k < sizeof bad_smoothings / sizeof *bad_smoothings; k++) {
        loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY;
        EXPECT_WITH(BP_ERROR_VALUE, labeled, parameter = bad_smoothings[k]);
        loss = BP_LOSS_MULTICLASS_HINGE;
        EXPECT_WITH(BP_OK, labeled, parameter = bad_smoothings[k]); /* not its business */
    }
    loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    EXPECT_WITH(BP_OK, labeled, parameter = 0.0f);
    EXPECT_WITH(BP_OK, labeled, parameter = 1.0f);
}

static void names(void **state) {
    (void)state;
    static const char *const all[LOSS_COUNT] = {
        "mse",
        "softmax-cross-entropy",
        "mae",
        "huber",
        "binary-cross-entropy",
        "softmax-cross-entropy-targets",
        "kullback-leibler",
        "hinge",
        "multiclass-hinge",
    };
    for (int k = 0; k < LOSS_COUNT; k++) {
        bp_loss_kind found = LOSS_COUNT;
        assert_string_equal(bp_loss_name((bp_loss_kind)k), all[k]);
        assert_int_equal(bp_loss_from_name(all[k], &found), BP_OK);
        assert_int_equal(found, k);
    }
    static const char *const unknown[] = {"", "MSE", "l1", "softmax", "hinge ", "softmax_cross_entropy"};
    bp_loss_kind kept = BP_LOSS_HINGE;
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) {
        EXPECT_NAMED(BP_ERROR_VALUE, unknown[k], bp_loss_from_name(unknown[k], &kept));
        for (int name = 0; name < LOSS_COUNT; name++)
            assert_true(has_name(bp_error_message(), all[name]));
    }
    EXPECT_NAMED(BP_ERROR_NULL, "name", bp_loss_from_name(NULL, &kept));
    EXPECT_NAMED(BP_ERROR_NULL, "loss", bp_loss_from_name("mse", NULL));
    assert_int_equal(kept, BP_LOSS_HINGE);
    for (size_t k = 0; k < sizeof no_loss / sizeof *no_loss; k++) {
        assert_null(bp_loss_name(no_loss[k]));
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(losses_with_targets, set_up),
        cmocka_unit_test_setup(losses_with_labels, set_up),
        cmocka_unit_test(names),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
