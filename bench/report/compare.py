"""Ours against the peers: who is best on each row, by how much, and what two threads bring."""

import math
from collections import namedtuple

from results import in_order

OURS = "backprop"

# The two groups of peers, by Step.as_used.
GROUPS = {False: "steps built by hand", True: "what a user would otherwise run"}

SMALL_BATCH = 16  # rows, at most

# One shape and number of threads. `peer` is the fastest peer's Step by 10th percentile with that many threads or fewer.
# The ratios are its time over ours; the one of medians is against the peer with the smallest median.
Row = namedtuple("Row", "shape threads ours peer ratio ratio_median")


def rows(steps, as_used=None):
    """A row for each of our steps, next to the peers of one group, or of both."""
    good = [s for s in steps if s.error is None]
    result = []
    for threads in sorted({s.threads for s in good}):
        for shape in in_order(s.shape for s in steps):
            ours = next((s for s in good if (s.shape, s.implementation, s.threads) == (shape, OURS, threads)), None)
            peers = [s for s in good if s.shape == shape and s.implementation != OURS and s.threads <= threads and
                     as_used in (None, s.as_used)]
            if not ours:
                continue
            peer = min(peers, key=lambda s: s.seconds, default=None)
            smallest = min((s.median for s in peers), default=None)
            result.append(Row(shape, threads, ours, peer, peer and peer.seconds / ours.seconds,
                              smallest and smallest / ours.median))
    return result


def has_small_batch(row):
    return round(row.ours.samples * row.ours.seconds) <= SMALL_BATCH


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def scaling(steps, implementation, shape):
    """Times of one thread over those of the most threads, and that number; None where one of them is missing."""
    times = {s.threads: s.seconds for s in steps
             if s.error is None and (s.shape, s.implementation) == (shape, implementation)}
    most = max((s.threads for s in steps), default=1)
    return times[1] / times[most] if most > 1 and 1 in times and most in times else None


def best_scaling(steps, shape):
    """The best scaling of any peer."""
    peers = in_order(s.implementation for s in steps if s.implementation != OURS)
    return max((r for r in (scaling(steps, peer, shape) for peer in peers) if r), default=None)


def cliffs(kernels):
    """Pairs (smaller fraction over larger, kernel, its neighbor) of shapes that differ by one in some sizes."""
    def sizes(kernel):
        return [int(size) for size in kernel.shape.split("x")]

    dense = [k for k in kernels if k.kernel.startswith("dense_") and k.peak and not k.cold]
    result = []
    for one in dense:
        for other in dense:
            if (one.kernel, one.isa) == (other.kernel, other.isa) and one.peak < other.peak and \
                    all(abs(a - b) <= 1 for a, b in zip(sizes(one), sizes(other))) and min(sizes(one)) > 1:
                result.append((one.peak / other.peak, one, other))
    return sorted(result, key=lambda pair: pair[0])
