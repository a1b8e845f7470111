/*
 * Block constants of the tests' own builds of the kernels: so small that small matrices cross every border between
 * blocks. BP_ROW_BLOCK is part of the contract and stays.
 */
#ifndef BP_SMALL_BLOCKS_H
#define BP_SMALL_BLOCKS_H

#define BLOCK_DEPTH TILE_COLUMNS
#define BLOCK_COLUMNS (2 * TILE_COLUMNS)
#define BLOCK_ROWS TILE_COLUMNS

#endif
