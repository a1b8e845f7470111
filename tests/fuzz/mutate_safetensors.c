/*
 * Mutations of safetensors files: most of those that change the header's length would be refused for its first eight
 * bytes alone, so these are set to the place of the last brace.
 */
#include <stddef.h>
#include <stdint.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    size = LLVMFuzzerMutate(data, size, room);
    if (seed % 8 == 0 || size < 8)
        return size;
    size_t header = size;
    while (header > 8 && data[header - 1] != '}')
        header--;
    for (size_t k = 0; k < 8; k++)
        data[k] = (uint8_t)((uint64_t)(header - 8) >> (8 * k));
    return size;
}
