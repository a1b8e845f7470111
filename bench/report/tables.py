"""The summary in plain text for a terminal, and the whole report in Markdown."""

from compare import GROUPS, SMALL_BATCH, cliffs, geometric_mean, has_small_batch, rows
from results import in_order

DENSE = {"dense_forward": "forward", "dense_delta": "delta", "dense_gradient": "gradient",
         "dense_gradient_sgd": "update"}


def time_text(seconds):
    for unit, scale in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * scale < 999.5:
            break
    else:
        unit, scale = "s", 1
    value = seconds * scale
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"


def percent(fraction, digits=0):
    return "" if fraction is None else f"{100 * fraction:.{digits}f} %"


def ratio_text(ratio):
    return "" if ratio is None else f"{ratio:.{2 if ratio < 9.995 else 1 if ratio < 99.95 else 0}f}"


def peer_text(row):
    if not row.peer:
        return "none"
    fewer = row.peer.threads < row.threads
    return row.peer.implementation + (f" ({row.peer.threads} thread{'s'[:row.peer.threads > 1]})" if fewer else "")


def rate_text(samples):
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1)):
        if samples >= 0.9995 * scale:
            break
    return f"{samples / scale:.3g} {unit}".strip()


BY_HAND = ("shape", "threads", "ours", "best peer", "its time", "ratio", "by medians", "of peak", "by medians")
AS_USED = ("shape", "threads", "ours", "samples/s", "peer", "its time", "samples/s", "ratio", "by medians")


def by_hand_cells(steps):
    return [(r.shape, str(r.threads), time_text(r.ours.seconds), peer_text(r),
             time_text(r.peer.seconds) if r.peer else "", ratio_text(r.ratio), ratio_text(r.ratio_median),
             percent(r.ours.peak, 1), percent(r.ours.peak_median, 1)) for r in rows(steps, False)]


def as_used_cells(steps):
    return [(r.shape, str(r.threads), time_text(r.ours.seconds), rate_text(r.ours.samples), peer_text(r),
             time_text(r.peer.seconds), rate_text(r.peer.samples), ratio_text(r.ratio), ratio_text(r.ratio_median))
            for r in rows(steps, True) if r.peer]


def plain(head, cells, left):
    """A table in columns as wide as they need; numbers to the right."""
    table = [head] + cells
    widths = [max(len(row[c]) for row in table) for c in range(len(head))]
    lines = ["  ".join(text.ljust(w) if c in left else text.rjust(w) for c, (text, w) in enumerate(zip(row, widths)))
             for row in table]
    return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0])] + lines[1:])


def markdown(head, cells, left=(0,)):
    rule = [":--" if c in left else "--:" for c in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule] + [list(row) for row in cells])


def mean_text(some):
    mean, mean_median = (geometric_mean(ratios) for ratios in zip(*((r.ratio, r.ratio_median) for r in some)))
    return f"{mean:.2f} (by medians {mean_median:.2f})"


def verdicts(steps, as_used):
    """One line for each number of threads: mean and worst ratio to the best peer of the group."""
    lines = []
    every = [r for r in rows(steps, as_used) if r.ratio]
    for threads in sorted({r.threads for r in every}):
        some = [r for r in every if r.threads == threads]
        small = [r for r in some if has_small_batch(r)]
        worst = min(some, key=lambda r: r.ratio)
        lines.append(f"{threads} thread{'s'[:threads > 1]}: {mean_text(some)} in {len(some)} rows" +
                     (f", {mean_text(small)} in the {len(small)} with batches of 1 to {SMALL_BATCH}" if small else "") +
                     f"; at worst {worst.ratio:.2f}, {worst.shape}")
    return lines


def summary(steps):
    """The two groups side by side, and their means."""
    peers = [{(r.shape, r.threads): r for r in rows(steps, as_used)} for as_used in GROUPS]
    cells = []
    for key, row in peers[0].items():
        cells.append([row.shape, str(row.threads), time_text(row.ours.seconds), percent(row.ours.peak, 1)])
        for group in peers:
            cells[-1] += [peer_text(group[key]), ratio_text(group[key].ratio)]
    head = ["shape", "threads", "ours", "of peak", "best by hand", "ratio", "as used", "ratio"]
    parts = [plain(head, cells, (0, 4, 6))]
    for as_used, group in GROUPS.items():
        lines = verdicts(steps, as_used)
        parts += [f"\nAgainst {group}, geometric means of the ratios:"] + lines if lines else []
    return "\n".join(parts)


def context_lines(context, steps):
    """Where and when it was measured, and the versions."""
    names = in_order([s.implementation for s in steps])
    about = [("date", context.get("date")), ("CPU", context.get("cpu")), ("CPUs", context.get("num_cpus")),
             ("instruction set", context.get("isa")), ("peak measured on", context.get("peak_isa")),
             ("compiler", context.get("compiler"))]
    lines = [f"- {key}: {value}" for key, value in about if value not in (None, "")]
    return lines + [f"- {name}: {context[name]}" for name in names if context.get(name)]


def failures(steps):
    cells = [(s.shape, s.implementation, str(s.threads), s.error.replace("|", "\\|")) for s in steps if s.error]
    return "\n## Left out\n\nThese did not compute the same step, or could not run, and were not timed.\n\n" + \
        markdown(("shape", "implementation", "threads", "why"), cells, (0, 1, 3)) + "\n" if cells else ""


def group_part(steps, as_used, head, cells, left):
    if not cells:
        return ""
    return f"""### Against {GROUPS[as_used]}

{markdown(head, cells, left)}

Geometric means of the ratios:

{chr(10).join('- ' + line for line in verdicts(steps, as_used))}
"""


def step_part(context, steps, plots):
    return f"""## A training step

{chr(10).join(context_lines(context, steps))}

Times are 10th percentiles over the steps of one run in which all implementations took turns, and so are samples a
second. The ratio is the best peer's time over ours: above 1, ours is faster. Rows of several threads compare with the
peer's best number of threads up to that. The ratio by medians is against the peer with the smallest median.

{group_part(steps, False, BY_HAND, by_hand_cells(steps), (0, 3))}
{group_part(steps, True, AS_USED, as_used_cells(steps), (0, 4))}
{plots}
{failures(steps)}"""


def dense_table(kernels, isa):
    some = [k for k in kernels if k.isa == isa and k.kernel in DENSE and k.peak is not None]
    found = {(k.kernel, k.shape, k.cold): k for k in some}
    cells = []
    for shape, cold in in_order((k.shape, k.cold) for k in some):
        row = [found.get((kernel, shape, cold)) for kernel in DENSE]
        cells.append([shape + (", cold" if cold else "")] + [percent(k and k.peak, 1) for k in row] +
                     [percent(k and k.bandwidth) for k in row])
    head = ["batch x in x out"] + list(DENSE.values()) + [f"{name}, of bandwidth" for name in DENSE.values()]
    return markdown(head, cells)


def pass_table(kernels):
    some = [k for k in kernels if k.kernel not in DENSE and k.bytes_per_second]
    isas = in_order(k.isa for k in some)
    found = {(k.kernel, k.kind, k.shape, k.isa): k for k in some}
    cells = []
    for kernel, kind, shape in in_order((k.kernel, k.kind, k.shape) for k in some):
        row = [found.get((kernel, kind, shape, isa)) for isa in isas]
        rates = [f"{k.bytes_per_second / 1e9:.1f}" if k else "" for k in row]
        cells.append([f"{kernel} {kind}".strip(), shape] + rates)
    return markdown(["kernel", "rows x columns"] + [f"{isa}, GB/s" for isa in isas], cells, (0, 1))


def folded(title, text):
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>\n"


def kernel_part(context, kernels, plots):
    tables = [folded(f"Dense kernels, {isa}: fraction of the FMA peak, and at batch 1 of the bandwidth",
                     dense_table(kernels, isa)) for isa in in_order(k.isa for k in kernels)]
    steepest = cliffs(kernels)[:3]
    cliff = "; ".join(f"{one.kernel}/{one.isa}/{one.shape} reaches {ratio:.2f} of {other.shape}"
                      for ratio, one, other in steepest)
    return f"""## Kernels

{chr(10).join(context_lines(context, []))}

{plots}
{'Largest losses between sizes that differ by one: ' + cliff + '.' if cliff else ''}

{chr(10).join(tables)}
{folded('Kernels that pass over a matrix: bytes read and written', pass_table(kernels))}"""
