"""The summary in plain text for a terminal, and the whole report in Markdown."""

from compare import OURS, cliffs, geometric_mean, rows
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


SUMMARY = ("shape", "threads", "ours", "best peer", "its time", "ratio", "by medians", "of peak", "by medians")


def summary_cells(steps):
    return [(r.shape, str(r.threads), time_text(r.ours.seconds),
             peer_text(r), time_text(r.peer.seconds) if r.peer else "",
             ratio_text(r.ratio), ratio_text(r.ratio_median), percent(r.ours.peak, 1), percent(r.ours.peak_median, 1))
            for r in rows(steps)]


def plain(head, cells):
    """A table in columns as wide as they need; numbers to the right."""
    table = [head] + cells
    widths = [max(len(row[c]) for row in table) for c in range(len(head))]
    left = {0, 3}
    lines = ["  ".join(text.ljust(w) if c in left else text.rjust(w) for c, (text, w) in enumerate(zip(row, widths)))
             for row in table]
    return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0])] + lines[1:])


def markdown(head, cells, left=(0,)):
    rule = [":--" if c in left else "--:" for c in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule] + [list(row) for row in cells])


def verdicts(steps):
    """One line for each number of threads: mean and worst ratio to the best peer."""
    lines = []
    every = [r for r in rows(steps) if r.ratio]
    for threads in sorted({r.threads for r in every}):
        some = [r for r in every if r.threads == threads]
        worst = min(some, key=lambda r: r.ratio)
        mean, mean_median = (geometric_mean(ratios) for ratios in zip(*((r.ratio, r.ratio_median) for r in some)))
        lines.append(f"{threads} thread{'s'[:threads > 1]}: {mean:.2f} times as fast as the best peer of each row "
                     f"(geometric mean of {len(some)} rows; by medians {mean_median:.2f}), at worst "
                     f"{worst.ratio:.2f} times, on {worst.shape}")
    return lines


def summary(steps):
    return plain(SUMMARY, summary_cells(steps)) + "\n\n" + "\n".join(verdicts(steps))


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


def step_part(context, steps, plots):
    return f"""## A training step

{chr(10).join(context_lines(context, steps))}

{markdown(SUMMARY, summary_cells(steps), (0, 3))}

Times are 10th percentiles over the steps of one run in which all implementations took turns. The ratio is the best
peer's time over ours: above 1, ours is faster. Rows of several threads compare with the peer's best number of threads
up to that. The ratio by medians is against the peer with the smallest median.

{chr(10).join('- ' + line for line in verdicts(steps))}

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
