/*
 * Every exported function that returns a bp_status says what was wrong when it fails: the message names an argument as
 * the header has it, and is not only the status in words. Which functions there are is read from the headers and from
 * symbols/exported.txt.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "messages.h"
#include "storage/files.h"

/* ---- The functions of the headers ----------------------------------------------------------------------------- */

enum { FUNCTIONS_MAX = 400, NAME_ROOM = 64, PARAMETERS_ROOM = 512 };

static struct function {
    char name[NAME_ROOM], parameters[PARAMETERS_ROOM];
    bool has_case;
} functions[FUNCTIONS_MAX];
static size_t function_count;

static char *read_whole(const char *folder, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 17);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 17) - 1, file) < (1 << 17) - 1);
    fclose(file);
    return text;
}

static bool is_word_sign(char sign) {
    return isalnum((unsigned char)sign) || sign == '_';
}

/* Whether a text has this word, or these words with signs between them. */
static bool has_word(const char *text, const char *word, size_t length) {
    for (const char *at = text; *at; at++)
        if (strncmp(at, word, length) == 0 && (at == text || !is_word_sign(at[-1])) && !is_word_sign(at[length]))
            return true;
    return false;
}

/* Takes the functions of a header that are exported. */
static void take_functions(const char *header, const char *exported) {
    static const char type[] = "bp_status bp_";
    for (const char *at = header; (at = strstr(at, type)); at++) {
        const char *name = at + strlen("bp_status "), *open = name;
        while (is_word_sign(*open))
            open++;
        const char *close = strchr(open, ';');
        if (*open != '(' || !close || !has_word(exported, name, (size_t)(open - name)))
            continue;
        assert_true(function_count < FUNCTIONS_MAX);
        struct function *f = &functions[function_count++];
        assert_true(open - name < NAME_ROOM && close - open < PARAMETERS_ROOM);
        memcpy(f->name, name, (size_t)(open - name));
        memcpy(f->parameters, open, (size_t)(close - open));
    }
}

static void read_headers(void) {
    char *exported = read_whole(TEST_SYMBOLS, "exported.txt");
    DIR *folder = opendir(TEST_HEADERS);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const size_t length = strlen(entry->d_name);
        if (length < 2 || strcmp(entry->d_name + length - 2, ".h") != 0)
            continue;
        char *header = read_whole(TEST_HEADERS, entry->d_name);
        take_functions(header, exported);
        free(header);
    }
    closedir(folder);
    free(exported);
}

static struct function *find_function(const char *name) {
    for (size_t k = 0; k < function_count; k++)
        if (strcmp(functions[k].name, name) == 0)
            return &functions[k];
    return NULL;
}

/* ---- What a message has to be --------------------------------------------------------------------------------- */

static const char forgotten[] = "some words of an earlier call";
static size_t faults;

void messages_forget(void) {
    bp_fail_text(forgotten);
}

/* What is wrong with it, or null. */
static const char *fault_of(const struct function *f, const char *argument, const char *text, bp_status status) {
    static const char *const old[] = {"lane",  "panels", "kept", "own_loss", "rule", "level",
                                      "place", "turn",   "ends", "gains",    "rate", "moving average"};
    const char *message = bp_error_message();
    if (status == BP_OK)
        return "it did not fail";
    if (strcmp(message, forgotten) == 0)
        return "it set no message";
    if (strcmp(message, bp_status_string(status)) == 0)
        return "the message is the status in words";
    if (text && strcmp(message, text) != 0)
        return "the message is another";
    if (argument && !has_word(f->parameters, argument, strcspn(argument, ".[-")))
        return "the header has no such parameter";
    if (argument && !has_word(message, argument, strlen(argument)))
        return "the message does not name the argument";
    for (size_t k = 0; k < sizeof old / sizeof *old; k++)
        if (has_word(message, old[k], strlen(old[k])))
            return "a word is of the old vocabulary";
    return NULL;
}

void messages_check(const char *function, const char *argument, const char *text, bp_status status, const char *file,
                    int line) {
    struct function *f = find_function(function);
    const char *fault = f ? fault_of(f, argument, text, status) : "no header declares it, or it is not exported";
    if (f && argument)
        f->has_case = true;
    if (!fault)
        return;
    faults++;
    fprintf(stderr, "%s:%d: %s, %s: %s\n    it says: %s\n    wanted:  %s\n", file, line, function,
            bp_status_string(status), fault, bp_error_message(), text ? text : argument);
}

static void refused_calls_have_words(void **state) {
    (void)state;
    faults = 0;
    names_are_refused();
    kernels_are_refused();
    columns_are_refused();
    copies_are_refused();
    creation_is_refused();
    tensors_are_refused();
    layers_are_refused();
    steps_are_refused();
    fits_are_refused();
    files_are_refused();
    assert_int_equal(faults, 0);
}

static void every_function_has_a_case(void **state) {
    (void)state;
    size_t missing = 0;
    for (size_t k = 0; k < function_count; k++)
        if (!functions[k].has_case) {
            missing++;
            fprintf(stderr,
                    "%s has no case: in a file of tests/messages/, add\n"
                    "    REFUSED(\"an argument\", %s, arguments that are refused for it)\n",
                    functions[k].name, functions[k].name);
        }
    assert_true(function_count > 100);
    assert_int_equal(missing, 0);
}

/* ---- The text's end -------------------------------------------------------------------------------------------- */

/* A text that is too long loses its last character whole, whatever its length is. */
static void characters_stay_whole(void **state) {
    (void)state;
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    char text[1024];
    for (size_t before = 0; before < 8; before++)
        for (size_t c = 0; c < 4; c++) {
            const size_t length = strlen(characters[c]);
            memset(text, 'x', before);
            text[before] = '\0';
            while (strlen(text) + length < 300)
                strcat(text, characters[c]);
            bp_fail(BP_ERROR_VALUE, "%s", text);
            const char *message = bp_error_message();
            assert_int_equal((strlen(message) - before) % length, 0);
            assert_in_range(strlen(message), 236, 239);
            assert_memory_equal(message, text, strlen(message));
        }
    static const char *const shown[][2] = {
        {"\xe2\x82\xac", "\xe2\x82\xac"}, /* one that fits */
        {"a\xe2\x82'", "a?'"},            /* cut by a precision */
        {"caf\xe9", "caf?"},              /* Latin-1 */
        {"\xc0\xaf\n\x1b", "????"},       /* a form that is longer than needed, control characters */
        {"\xf0\x9f\x98\x80\x7f", "\xf0\x9f\x98\x80?"},
        {"\xf0\x9f\xc3\xa9", "?\xc3\xa9"}};
    for (size_t k = 0; k < sizeof shown / sizeof *shown; k++) {
        bp_fail(BP_ERROR_VALUE, "%s", shown[k][0]);
        assert_string_equal(bp_error_message(), shown[k][1]);
    }
}

static int set_up(void **state) {
    read_headers();
    return files_set_up(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_calls_have_words),
        cmocka_unit_test(every_function_has_a_case),
        cmocka_unit_test(characters_stay_whole),
    };
    return cmocka_run_group_tests(tests, set_up, files_tear_down);
}
