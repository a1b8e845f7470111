/* The command line of bpcheck. */
#ifndef BPCHECK_OPTIONS_H
#define BPCHECK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct options {
    const char *table;    /* an instruction set, or one table; null: all */
    const char *kernel;   /* null: all, and the golden hashes */
    const char *case_key; /* one case alone; null: all */
    uint64_t seed;        /* of the first round */
    bool seeded;          /* it was given */
    uint64_t repeat;      /* rounds */
    double minutes;       /* rounds begin until so much time has passed; 0: `repeat` counts */
    bool bench, json;
} options;

/** Reads the command line. A wrong one ends the program, and so do --help and --version. */
options options_parse(int argc, char **argv);

#endif
