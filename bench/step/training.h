/* A network in training, and how its steps are timed. */
#ifndef BENCH_TRAINING_H
#define BENCH_TRAINING_H

#include "net.h"

/** A peer's trainer, and the batches it takes in turn; all that it is made of outlives it. */
class Training {
  public:
    Training(const peer &implementation, const peer_net &net, const Parameters &initial, size_t threads,
             const Pool &pool);

    /** Whether the peer could create its network; if not, nothing else may be called. */
    bool created() const {
        return trainer_ != nullptr;
    }

    void run(size_t steps, float learning_rate);

    /** Seconds that so many steps take, by the clock on the wall. */
    double time(size_t steps, float learning_rate);

    /** How many steps to time together, so that reading the clock is well below a part in a hundred of them. */
    size_t group(float learning_rate);

    void parameters(const Parameters &into) const;

    /** Destroys the trainer. The destructor does not: a library may hang in that. */
    void end();

  private:
    const peer *implementation_;
    void *trainer_;
    const Pool *pool_;
    size_t next_ = 0;
};

#endif
