/*
 * Block constants of the tests' own builds of the kernels: so small that small matrices cross every border between
 * blocks. BP_ROW_BLOCK is part of the contract and stays.
 */
#ifndef BP_SMALL_BLOCKS_H
#define BP_SMALL_BLOCKS_H

#undef KC
#undef NC
#undef MC
#define KC NR
#define NC (2 * NR)
#define MC NR

/* Tiles take batches of a few rows too, and sweeps not all that are left. */
#undef FEW_ROWS
#undef SWEEP_MOST
#define FEW_ROWS 4
#define SWEEP_MOST 2

#endif
