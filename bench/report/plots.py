"""The report's plots, as SVG. Each function returns (file, what it shows) for every plot that it drew."""

import os

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm  # noqa: E402

from compare import OURS, best_scaling, rows, scaling  # noqa: E402
from results import in_order  # noqa: E402
from tables import DENSE, ratio_text  # noqa: E402

# Okabe and Ito's colors: distinct to every eye. Shapes of markers say the same once more.
BLUE, ORANGE, RED, GREEN, INK, FAINT = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#333333", "#DDDDDD"
ISA_STYLE = {"avx2": (BLUE, "o"), "avx512": (RED, "s"), "neon": (GREEN, "^")}
# Orange: the peer is faster; blue: ours is.
RATIO_COLORS = LinearSegmentedColormap.from_list("ratio", [ORANGE, "#FFFFFF", "#56B4E9"])

plt.rcParams.update({
    "svg.fonttype": "path", "svg.hashsalt": "backprop", "figure.facecolor": "white", "axes.facecolor": "white",
    "font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.titlesize": 10, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.linewidth": 0.8, "legend.frameon": False, "axes.axisbelow": True,
})


def save(figure, folder, name):
    path = os.path.join(folder, name + ".svg")
    figure.savefig(path, bbox_inches="tight", pad_inches=0.15, metadata={"Date": None})
    plt.close(figure)
    return path


def panels(count, width, height):
    figure, axes = plt.subplots(count, 1, figsize=(width, height * count), sharex=True, squeeze=False)
    figure.subplots_adjust(hspace=0.3)
    return figure, [row[0] for row in axes]


def scale_to_edge(axes, top, ticks, labels):
    """The vertical axis ends at `top`, which is what could be reached at most: that edge is drawn strong."""
    axes.set_ylim(0, top)
    axes.set_yticks(ticks, labels)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.tick_params(length=0)
    for side in ("left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["top"].set_linewidth(1.6)


def percent_axis(axes, edge):
    scale_to_edge(axes, 1, [0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", edge])


def title_above(axes, text):
    """The title of a whole figure, above its first panel's own."""
    axes.annotate(text, (0, 1), (0, 26), xycoords="axes fraction", textcoords="offset points", fontsize=11,
                  fontweight="bold")


def name_shapes(axes, shapes, rotation, size=8):
    axes.set_xlim(-0.6, len(shapes) - 0.4)
    axes.set_xticks(range(len(shapes)), shapes, rotation=rotation, fontsize=size,
                    ha="right" if rotation < 90 else "center", rotation_mode="anchor" if rotation < 90 else "default")


def legend_above(axes, columns=4):
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles))
    axes.legend(once.values(), once.keys(), loc="lower right", bbox_to_anchor=(1, 1.01), ncol=columns,
                borderaxespad=0, handletextpad=0.3, columnspacing=1.2)


# ---- Steps ------------------------------------------------------------------------------------------------------


def step_plots(folder, steps):
    drawn = [step_peak(folder, steps)]
    for threads in sorted({s.threads for s in steps}):
        drawn.append(step_ratio(folder, steps, threads))
    drawn.append(step_threads(folder, steps))
    return [plot for plot in drawn if plot]


def step_peak(folder, steps):
    every = [r for r in rows(steps) if r.ours.peak is not None]
    if not every:
        return None
    counts, shapes = sorted({r.threads for r in every}), in_order(r.shape for r in every)
    figure, axes = panels(len(counts), 9, 2.4)
    for axis, threads in zip(axes, counts):
        for r in (r for r in every if r.threads == threads):
            x, ours = shapes.index(r.shape), min(r.ours.peak, 1)
            axis.bar(x, ours, 0.62, color=BLUE, label=OURS)
            peer = min(r.ours.peak / r.ratio, 1) if r.peer else 0
            # At the foot of a tall bar, above a low one: nothing else is drawn there.
            tall = min(ours, peer or 1) > 0.25
            axis.text(x, 0.04 if tall else max(ours, peer) + 0.03, f"{100 * r.ours.peak:.{0 if ours >= 0.1 else 1}f}",
                      ha="center", va="bottom", color="white" if tall else INK, fontsize=8)
            # A peer's fraction of the peak of as many threads as ours has.
            if r.peer:
                axis.plot([x - 0.4, x + 0.4], [peer, peer], color=ORANGE, linewidth=2.5,
                          label="best peer", solid_capstyle="butt")
        percent_axis(axis, "FMA peak")
        axis.set_title(f"{threads} thread{'s'[:threads > 1]}")
    title_above(axes[0], "Share of the FMA peak that a training step reaches")
    name_shapes(axes[-1], shapes, 35)
    legend_above(axes[0])
    return save(figure, folder, "step_peak"), "Fraction of the FMA peak that a training step reaches, for each shape"


def step_ratio(folder, steps, threads):
    """A table of times over ours, colored: as many digits as a bar would hide."""
    some = [s for s in steps if s.threads == threads]
    ours = {s.shape: s for s in some if s.implementation == OURS and not s.error}
    peers = in_order(s.implementation for s in sorted(some, key=lambda s: s.as_used) if s.implementation != OURS)
    shapes = [shape for shape in in_order(s.shape for s in some) if shape in ours]
    if not peers or not shapes:
        return None
    found = {(s.shape, s.implementation): s for s in some}
    figure, axes = plt.subplots(figsize=(1.4 + 0.78 * len(peers), 0.9 + 0.27 * len(shapes)))
    norm = TwoSlopeNorm(vmin=0.5, vcenter=1, vmax=3)
    for y, shape in enumerate(shapes):
        ratios = [found[shape, p].seconds / ours[shape].seconds for p in peers
                  if (shape, p) in found and not found[shape, p].error]
        for x, peer in enumerate(peers):
            step = found.get((shape, peer))
            if step is None or step.error:
                text, color, weight = ("failed" if step else "–"), "#F2F2F2", "normal"
            else:
                ratio = step.seconds / ours[shape].seconds
                text, color = ratio_text(ratio), RATIO_COLORS(norm(min(max(ratio, 0.5), 3)))
                weight = "bold" if ratio == min(ratios) else "normal"
            axes.add_patch(plt.Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=color, edgecolor="white", linewidth=1.5))
            axes.text(x, y, text, ha="center", va="center", fontsize=8, fontweight=weight)
    axes.set_xlim(-0.5, len(peers) - 0.5)
    axes.set_ylim(len(shapes) - 0.5, -0.5)
    axes.set_xticks(range(len(peers)), peers, rotation=35, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(shapes)), shapes)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    title = f"Time of a step over ours, {threads} thread{'s'[:threads > 1]}"
    axes.text(-0.5, len(shapes) - 0.1, f"{title}. Blue: ours is faster; orange: the peer; bold: the best peer;\n"
              "–: stays out of this shape; failed: did not compute the same.", va="top", fontsize=8)
    return save(figure, folder, f"step_ratio_{threads}"), title


def step_threads(folder, steps):
    most = max(s.threads for s in steps)
    shapes = [shape for shape in in_order(s.shape for s in steps) if scaling(steps, OURS, shape)]
    if not shapes:
        return None
    figure, (axes,) = panels(1, 9, 2.6)
    axes.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    for x, shape in enumerate(shapes):
        ours, peer = scaling(steps, OURS, shape), best_scaling(steps, shape)
        if peer:
            axes.plot(x, min(peer, most), "D", color=ORANGE, markersize=5.5, clip_on=False,
                      label="peer that gains most")
        axes.plot(x, min(ours, most), "o", color=BLUE, markersize=7, clip_on=False, label=OURS)
    ticks = [most * k / 4 for k in range(5)]
    scale_to_edge(axes, most, ticks, [f"{t:g} ×" for t in ticks])
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_title(f"Speed of a step on {most} threads over that on one")
    name_shapes(axes, shapes, 35)
    legend_above(axes)
    return save(figure, folder, "step_threads"), f"How many times faster a step is on {most} threads than on one"


# ---- Kernels ----------------------------------------------------------------------------------------------------


def kernel_plots(folder, kernels):
    some = [k for k in kernels if k.kernel in DENSE and k.isa in ISA_STYLE]
    large = [k for k in some if k.peak is not None and k.bandwidth is None]
    single = [k for k in some if k.bandwidth is not None]
    drawn = []
    if large:
        path = kernel_figure(folder, "kernel_peak", large, lambda k: k.peak, "peak", "Share of the FMA peak", 10)
        drawn.append((path, "Fraction of the FMA peak that each kernel reaches, for each shape"))
    if single:
        path = kernel_figure(folder, "kernel_bandwidth", single, lambda k: k.bandwidth, "bandwidth",
                             "Batch 1: share of the measured bandwidth", 9)
        drawn.append((path, "Fraction of the measured bandwidth that each kernel reaches at batch 1"))
    return drawn


def kernel_figure(folder, name, kernels, fraction, edge, title, width):
    """One panel a kernel, shapes from left to right, a marker an instruction set; hollow where weights are cold."""
    shapes, isas = in_order(k.shape for k in kernels), in_order(k.isa for k in kernels)
    names = [kernel for kernel in DENSE if any(k.kernel == kernel for k in kernels)]
    figure, axes = panels(len(names), width, 1.9)
    apart = min(0.3, 0.15 * len(shapes) / width)  # of the markers of one shape
    for axis, kernel in zip(axes, names):
        for k in (k for k in kernels if k.kernel == kernel):
            color, marker = ISA_STYLE[k.isa]
            x = shapes.index(k.shape) + apart * (isas.index(k.isa) - (len(isas) - 1) / 2)
            axis.plot(x, min(fraction(k), 1), marker, markersize=4.5, clip_on=False, markeredgecolor=color,
                      markerfacecolor="white" if k.cold else color, linestyle="none",
                      label=k.isa + (", cold weights" if k.cold else ""))
        percent_axis(axis, edge)
        axis.grid(axis="x", color=FAINT, linewidth=0.6)
        axis.set_title(DENSE[kernel].capitalize())
    title_above(axes[0], title)
    name_shapes(axes[-1], shapes, 90 if len(shapes) > 12 else 35, 7 if len(shapes) > 12 else 8)
    legend_above(axes[0])
    return save(figure, folder, name)
