/*
 * An autoencoder: a network that has to give its inputs back through a few numbers in the middle. Each image becomes 16
 * numbers and an image again; a sheet of images that it was not trained on, with what became of them, is written as a
 * PGM file, which most image viewers open.
 *
 * The images are those of an IDX file, Fashion-MNIST say, or digits of seven segments that are drawn here.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/backprop.h>

#include "example.h"

#define DIGITS "digits"

enum { CODE = 16, SHOWN = 10 };

typedef struct images {
    size_t count, width, height;
    float *pixels; /* [count x height * width], 0 (black) to 1 */
} images;

/* ---- Digits of seven segments --------------------------------------------------------------------------------- */

enum { SIDE = 20, SEGMENTS = 7 };

/* Ends of the segments in a field 1 wide and 2 high, and which segments make the digits. */
static const float segment_ends[SEGMENTS][4] = {{0, 0, 1, 0}, {1, 0, 1, 1}, {1, 1, 1, 2}, {0, 2, 1, 2},
                                                {0, 1, 0, 2}, {0, 0, 0, 1}, {0, 1, 1, 1}};
static const char *const segments_of[10] = {"012345", "12",     "01346", "01236",   "1256",
                                            "02356",  "023456", "012",   "0123456", "012356"};

/* A digit's size, place, slant and stroke. */
typedef struct hand {
    float size, x, y, slant, stroke;
} hand;

static float uniform(uint64_t image, uint64_t number, float least, float most) {
    return least + (most - least) * (0.5f + 0.5f * bp_random_symmetric(1, image, number));
}

/* Distance of a point from the segment between two others. */
static float distance(float x, float y, float x0, float y0, float x1, float y1) {
    const float dx = x1 - x0, dy = y1 - y0;
    float t = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    const float ex = x - (x0 + t * dx), ey = y - (y0 + t * dy);
    return sqrtf(ex * ex + ey * ey);
}

static void draw_segment(float *pixels, const float *ends, const hand *h) {
    const float x0 = h->x + h->size * (ends[0] - h->slant * ends[1]), y0 = h->y + h->size * ends[1];
    const float x1 = h->x + h->size * (ends[2] - h->slant * ends[3]), y1 = h->y + h->size * ends[3];
    for (size_t r = 0; r < SIDE; r++)
        for (size_t c = 0; c < SIDE; c++) {
            const float ink = 1.0f + h->stroke - distance((float)c, (float)r, x0, y0, x1, y1);
            float *pixel = &pixels[r * SIDE + c];
            const float clamped = ink < 0 ? 0 : ink > 1 ? 1 : ink;
            *pixel = clamped > *pixel ? clamped : *pixel;
        }
}

static images draw_digits(size_t count) {
    images set = {count, SIDE, SIDE, allocate(count * SIDE * SIDE, sizeof(float))};
    memset(set.pixels, 0, count * SIDE * SIDE * sizeof(float));
    for (size_t n = 0; n < count; n++) {
        const hand h = {.size = uniform(n, 0, 5, 7.5f),
                        .x = uniform(n, 1, 4, 9),
                        .y = uniform(n, 2, 2, 5),
                        .slant = uniform(n, 3, 0, 0.3f),
                        .stroke = uniform(n, 4, 0, 1)};
        for (const char *s = segments_of[bp_random_u32(1, n, 5) % 10]; *s; s++)
            draw_segment(set.pixels + n * SIDE * SIDE, segment_ends[*s - '0'], &h);
    }
    return set;
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static images read_images(const char *path, size_t limit) {
    bp_array array;
    bp_file_error error;
    if (bp_idx_read(path, limit, &array, NULL, &error) != BP_OK)
        fail("%s: %s", path, error.text);
    if (array.dimensions != 3 || array.count == 0)
        fail("%s: holds no images", path);
    for (size_t k = 0; k < array.count; k++)
        array.values[k] = array.values[k] / 255.0f;
    return (images){array.shape[0], array.shape[2], array.shape[1], array.values};
}

/* Puts an image on the sheet. */
static void paste(unsigned char *to, size_t stride, const float *pixels, const images *shape) {
    for (size_t r = 0; r < shape->height; r++)
        for (size_t c = 0; c < shape->width; c++) {
            const float p = pixels[r * shape->width + c];
            to[r * stride + c] = (unsigned char)(p > 0 ? p < 1 ? p * 255.0f + 0.5f : 255.0f : 0.0f);
        }
}

/* The images above, what became of them below. */
static void write_sheet(const char *path, const images *shape, const float *before, const float *after, size_t count) {
    enum { GAP = 2 };
    const size_t columns = count * (shape->width + GAP) + GAP, rows = 2 * (shape->height + GAP) + GAP;
    unsigned char *sheet = allocate(rows, columns);
    memset(sheet, 128, rows * columns);
    for (size_t n = 0; n < count; n++) {
        unsigned char *top = sheet + GAP * columns + GAP + n * (shape->width + GAP);
        paste(top, columns, before + n * shape->width * shape->height, shape);
        paste(top + (shape->height + GAP) * columns, columns, after + n * shape->width * shape->height, shape);
    }
    FILE *file = fopen(path, "wb");
    if (!file)
        fail("%s: cannot be written", path);
    fprintf(file, "P5\n%zu %zu\n255\n", columns, rows);
    const size_t written = fwrite(sheet, columns, rows, file);
    if (fclose(file) != 0 || written != rows)
        fail("%s: cannot be written", path);
    free(sheet);
}

/* ---- Training ------------------------------------------------------------------------------------------------- */

static bool report(void *context, const bp_fit_progress *now) {
    (void)context;
    printf("epoch %zu/%zu: loss %.4f, of new images %.4f\n", now->epoch + 1, now->epochs, now->loss,
           now->validation_loss);
    fflush(stdout);
    return false;
}

static bp_network *make_network(size_t pixels) {
    const size_t sizes[] = {pixels, 128, CODE, 128, pixels};
    const bp_activation activations[] = {{.kind = BP_ACTIVATION_RELU},
                                         {.kind = BP_ACTIVATION_IDENTITY},
                                         {.kind = BP_ACTIVATION_RELU},
                                         {.kind = BP_ACTIVATION_SIGMOID}};
    const bp_optimizer adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    bp_network_config config = bp_network_config_defaults();
    config.layers = 4;
    config.sizes = sizes;
    config.activations = activations;
    config.optimizer = &adam;
    config.max_batch_size = 64;
    config.seed = 1;
    bp_network *network;
    check(bp_network_create(&config, &network));
    return network;
}

int main(int argc, char **argv) {
    enum { DATA, EPOCHS, LIMIT, OUTPUT, OPTIONS };
    example_option options[OPTIONS] = {
        [DATA] = {"--data", DIGITS, "an IDX file of images, plain or with .gz, or " DIGITS ": drawn ones"},
        [EPOCHS] = {"--epochs", "10", "passes over the images"},
        [LIMIT] = {"--limit", "10000", "images to use"},
        [OUTPUT] = {"--output", "reconstructions.pgm", "the sheet"},
    };
    example_options(argc, argv, "Trains an autoencoder on images and writes what it makes of others.", options,
                    OPTIONS);
    const size_t limit = (size_t)example_number(&options[LIMIT], 20, 1000000);
    const char *data = options[DATA].value;
    const images all = strcmp(data, DIGITS) == 0 ? draw_digits(limit) : read_images(data, limit);
    const size_t pixels = all.width * all.height;
    if (all.count < 2 * SHOWN)
        fail("%s: holds fewer than %d images", data, 2 * SHOWN);

    /* What goes in has to come out: the images are their own targets. A tenth of them is kept apart. */
    const bp_dataset set = {.rows = all.count,
                            .inputs = all.pixels,
                            .input_columns = pixels,
                            .targets = all.pixels,
                            .target_columns = pixels};
    bp_dataset training, others;
    uint32_t *index = allocate(all.count, sizeof *index);
    const size_t kept = all.count / 10 > SHOWN ? all.count / 10 : SHOWN;
    check(bp_dataset_split(&set, all.count - kept, 1, index, &training, &others));

    bp_network *network = make_network(pixels);
    bp_fit_options fit = bp_fit_options_defaults();
    fit.epochs = (size_t)example_number(&options[EPOCHS], 1, 1000000);
    fit.learning_rate = 1e-3f;
    fit.seed = 1;
    fit.validation = &others;
    fit.on_epoch = report;
    check(bp_network_fit(network, &training, &fit, NULL));

    float *before = allocate(SHOWN * pixels, sizeof *before), *after = allocate(SHOWN * pixels, sizeof *after);
    others.rows = SHOWN;
    for (size_t n = 0; n < SHOWN; n++)
        memcpy(before + n * pixels, all.pixels + others.index[n] * pixels, pixels * sizeof *before);
    check(bp_network_predict(network, &others, after, 0));
    write_sheet(options[OUTPUT].value, &all, before, after, SHOWN);
    bp_regression_report errors;
    check(bp_regression_metrics(&errors, after, 0, before, 0, SHOWN, pixels));
    printf("%s: %d images of %zu pixels through %d numbers, root of the mean squared error %.4f\n",
           options[OUTPUT].value, SHOWN, pixels, CODE, errors.rmse);
    example_finish(network);

    bp_network_destroy(network);
    free(index);
    free(before);
    free(after);
    free(all.pixels);
    return 0;
}
