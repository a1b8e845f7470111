#define _POSIX_C_SOURCE 200809L

#include "data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <backprop/backprop.h>

#include "../program.h"

/*
 * Writes the path of a file of the folder: compressed, or plain where there is no such file. Some archives have
 * unpacked train-images-idx3-ubyte as train-images.idx3-ubyte; where there is none of these, the path is the plain
 * usual one.
 */
static void find_file(char *path, size_t size, const char *folder, const char *name) {
    const int length = snprintf(path, size, "%s/%s.gz", folder, name);
    if (length < 0 || (size_t)length >= size)
        fail("%.60s...: the name of the folder is too long", folder);
    char *const end = path + length - strlen(".gz"), *const type = strstr(end - strlen(name), "-idx");
    static const char marks[] = "-.";
    for (size_t k = 0; k < 2; k++)
        for (size_t plain = 0; plain < 2; plain++) {
            *type = marks[k];
            *end = plain ? '\0' : '.';
            if (access(path, F_OK) == 0)
                return;
        }
    *type = '-';
}

/* Reads an IDX file that must have so many dimensions, at most `limit` items of it; *total is how many it has. */
static bp_array read_items(const char *path, size_t dimensions, size_t limit, size_t *total) {
    bp_array items;
    bp_file_error error;
    if (bp_idx_read(path, limit, &items, total, &error) != BP_OK)
        fail("%s: %s", path, error.text);
    if (items.dimensions != dimensions)
        fail("%s: has %zu dimensions instead of %zu", path, items.dimensions, dimensions);
    if (items.count == 0)
        fail("%s: holds no items", path);
    return items;
}

/* Loads images and labels; returns the number of pixels of an image. */
static size_t load_set(sample_set *set, const char *folder, const char *images_name, const char *labels_name,
                       size_t limit) {
    char images_path[sizeof set->name];
    size_t image_count, label_count;
    find_file(images_path, sizeof images_path, folder, images_name);
    find_file(set->name, sizeof set->name, folder, labels_name);
    bp_array labels = read_items(set->name, 1, 0, &label_count);
    const bp_array images = read_items(images_path, 3, limit, &image_count);
    if (image_count != label_count)
        fail("%s: has %zu images for %zu labels", images_path, image_count, label_count);

    set->count = images.shape[0];
    set->inputs = images.values;
    set->labels = allocate(label_count, sizeof *set->labels);
    for (size_t k = 0; k < images.count; k++)
        set->inputs[k] = set->inputs[k] * (1.0f / 127.5f) - 1.0f; /* from -1 to 1 */
    if (bp_array_labels(&labels, set->labels) != BP_OK)
        fail("%s: has something else than class labels", set->name);
    for (size_t n = 0; n < label_count; n++)
        if (set->labels[n] > set->label_most)
            set->label_most = set->labels[n];
    bp_array_destroy(&labels);
    return images.count / images.shape[0];
}

static void load_folder(data_set *data, const char *folder, size_t limit) {
    struct stat status;
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        fail("--data %s: there is no such folder", folder);
    data->name = folder;
    data->layers = IDX_LAYERS;
    data->inputs = load_set(&data->train, folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", limit);
    const size_t test_inputs = load_set(&data->test, folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 0);
    if (test_inputs != data->inputs)
        fail("%s: training images have %zu pixels and test images %zu", folder, data->inputs, test_inputs);
}

/*
 * Points along one and a half turns, each a random step of the spiral with noise; the second class is the first one
 * turned by half a turn. Directions come from repeated rotation by a fixed angle, in single operations of float, so
 * that the samples have the same bits everywhere: sin and cos differ between machines.
 */
static void generate_spirals(sample_set *set, size_t count, size_t limit, uint64_t stream) {
    enum { STEPS = 512, NUMBERS_A_SAMPLE = 3 };
    const uint64_t seed = 0x5b1a15;                                 /* of the data, whatever the seed of the training */
    const float turn_cos = 0.9998305818f, turn_sin = 0.0184067299f; /* of 3 pi / STEPS */
    const float noise = 0.02f;
    float direction[STEPS][2] = {{1.0f, 0.0f}};
    for (size_t k = 1; k < STEPS; k++) {
        const float x = direction[k - 1][0], y = direction[k - 1][1];
        direction[k][0] = x * turn_cos - y * turn_sin;
        direction[k][1] = x * turn_sin + y * turn_cos;
    }

    set->count = count < limit ? count : limit;
    set->inputs = allocate(set->count * 2, sizeof *set->inputs);
    set->labels = allocate(set->count, sizeof *set->labels);
    set->label_most = 1;
    snprintf(set->name, sizeof set->name, "%s", SPIRALS);
    for (size_t n = 0; n < set->count; n++) {
        const uint64_t index = NUMBERS_A_SAMPLE * (uint64_t)n;
        const uint32_t label = n % 2;
        const uint32_t step = bp_random_u32(seed, stream, index) % STEPS;
        const float radius = 0.1f + 0.9f * ((float)step / (float)STEPS);
        const float side = label ? -radius : radius;
        for (size_t axis = 0; axis < 2; axis++)
            set->inputs[2 * n + axis] =
                side * direction[step][axis] + noise * bp_random_symmetric(seed, stream, index + 1 + axis);
        set->labels[n] = label;
    }
}

static bool default_folder_is_there(void) {
    char path[256];
    find_file(path, sizeof path, DEFAULT_FOLDER, "train-images-idx3-ubyte");
    return access(path, F_OK) == 0;
}

data_set *data_load(const char *name, size_t limit) {
    data_set *data = calloc(1, sizeof *data);
    if (!data)
        fail("out of memory");
    if (!name) {
        data->substitute = !default_folder_is_there();
        name = data->substitute ? SPIRALS : DEFAULT_FOLDER;
    }
    if (strcmp(name, SPIRALS) != 0) {
        load_folder(data, name, limit);
        return data;
    }
    data->name = SPIRALS;
    data->layers = SPIRALS_LAYERS;
    data->inputs = 2;
    generate_spirals(&data->train, 20000, limit, 0);
    generate_spirals(&data->test, 2000, SIZE_MAX, 1);
    return data;
}

void data_free(data_set *data) {
    free(data->train.inputs);
    free(data->train.labels);
    free(data->test.inputs);
    free(data->test.labels);
    free(data);
}
