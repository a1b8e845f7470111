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

#endif
