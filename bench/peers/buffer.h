/* Memory of the peers, taken once, when their network is created. */
#ifndef BENCH_PEERS_BUFFER_H
#define BENCH_PEERS_BUFFER_H

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace peers {

/**
 * Zeroed floats on a cache line. Buffers that start at the same place of their pages compete for the same sets of the
 * cache, which costs up to a fifth; so each starts at another line of its page than the one before.
 */
class Buffer {
  public:
    explicit Buffer(size_t count) {
        static size_t made = 0;
        const size_t page = 4096, offset = made++ * 11 * 64 % page;
        const size_t bytes = (offset + count * sizeof(float) + page - 1) / page * page;
        memory_.reset(std::aligned_alloc(page, bytes));
        if (!memory_)
            throw std::bad_alloc();
        std::memset(memory_.get(), 0, bytes);
        data_ = reinterpret_cast<float *>(static_cast<char *>(memory_.get()) + offset);
    }

    Buffer(size_t count, const float *values) : Buffer(count) {
        std::memcpy(data_, values, count * sizeof(float));
    }

    operator float *() const {
        return data_;
    }

    float *get() const {
        return data_;
    }

  private:
    struct Free {
        void operator()(void *memory) const {
            std::free(memory);
        }
    };
    std::unique_ptr<void, Free> memory_;
    float *data_;
};

/** What Adam stores of parameters. */
struct Moments {
    Buffer m, v;

    explicit Moments(size_t count) : m(count), v(count) {
    }
};

} // namespace peers

#endif
