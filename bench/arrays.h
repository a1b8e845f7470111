/* The arrays that kernels are timed on. */
#ifndef BENCH_ARRAYS_H
#define BENCH_ARRAYS_H

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include <backprop/dense.h>
#include <backprop/random.h>

/** Numbers of zero mean and unit variance, nearly normal, none denormal; the same in every run. */
inline const std::vector<float> &noise() {
    static const std::vector<float> values = [] {
        std::vector<float> drawn(65521); // a prime: no row of a matrix repeats another
        for (size_t k = 0; k < drawn.size(); k++) {
            const float u = bp_random_symmetric(1, 0, 3 * k), v = bp_random_symmetric(1, 0, 3 * k + 1),
                        w = bp_random_symmetric(1, 0, 3 * k + 2);
            drawn[k] = u + v + w; // each has variance 1/3
        }
        return drawn;
    }();
    return values;
}

/**
 * `count` values T on 64 bytes. Arrays that start at the same place of their pages compete for the same sets of the
 * cache, which costs up to a fifth; so each `slot` starts at another line of its page.
 */
template <typename T> class Array {
  public:
    Array(size_t slot, size_t count) : Array(slot, count, T(1)) {
    }

    /** Filled with noise times `scale`. */
    Array(size_t slot, size_t count, T scale) {
        const size_t page = 4096, offset = slot * 11 * BP_ALIGNMENT % page;
        const size_t bytes = (offset + count * sizeof(T) + page - 1) / page * page;
        memory_.reset(std::aligned_alloc(page, bytes));
        if (!memory_)
            throw std::bad_alloc();
        data_ = reinterpret_cast<T *>(static_cast<char *>(memory_.get()) + offset);
        const std::vector<float> &values = noise();
        for (size_t k = 0, from = slot * 997 % values.size(); k < count; k++) {
            data_[k] = static_cast<T>(scale * values[from]);
            from = from + 1 < values.size() ? from + 1 : 0;
        }
    }

    operator T *() {
        return data_;
    }

  private:
    struct Free {
        void operator()(void *memory) const {
            std::free(memory);
        }
    };
    std::unique_ptr<void, Free> memory_;
    T *data_;
};

#endif
