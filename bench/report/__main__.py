"""
Draws the report of the benchmarks: python3 bench/report FOLDER

FOLDER holds step.json, kernels.json or both, as bench_step and bench_kernels write them with --benchmark_out. The
report goes there too: report.md and the plots it shows. The summary table goes to standard output.
"""

import os
import sys

sys.dont_write_bytecode = True  # nothing is written beside the sources

import compare  # noqa: E402
import results  # noqa: E402
import tables  # noqa: E402


def fail(text):
    sys.exit(f"report: {text}")


def shown(path, text):
    """A plot in Markdown, with the text for those who cannot see it."""
    return f"![{text}]({os.path.basename(path)})\n"


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        fail("usage: python3 bench/report FOLDER, which holds step.json, kernels.json or both")
    folder = arguments[0]
    step_path, kernel_path = (os.path.join(folder, name) for name in ("step.json", "kernels.json"))
    try:
        steps, kernels = results.steps(step_path), results.kernels(kernel_path)
    except results.Unreadable as error:
        fail(error)
    if not steps and not kernels:
        fail(f"there is neither step.json nor kernels.json in {folder}: './quickstart bench' makes both")
    for path, found in ((step_path, steps), (kernel_path, kernels)):
        if not found:
            print(f"report: there is no {path}: the report goes without it", file=sys.stderr)
    try:
        import plots
    except ImportError as error:
        fail(f"the plots need matplotlib (Debian: python3-matplotlib): {error}")

    parts = ["# Benchmarks\n"]
    try:
        if steps:
            context, records = steps
            if not compare.rows(records):
                fail(f"{step_path} has no step of {compare.OURS} that worked")
            parts.append(tables.step_part(context, records, "\n".join(
                shown(path, text) for path, text in plots.step_plots(folder, records))))
            print(tables.summary(records))
        if kernels:
            context, records = kernels
            if steps:
                context.setdefault("cpu", steps[0].get("cpu"))
            parts.append(tables.kernel_part(context, records, "\n".join(
                shown(path, text) for path, text in plots.kernel_plots(folder, records))))
        report = os.path.join(folder, "report.md")
        with open(report, "w", encoding="utf-8") as file:
            file.write("\n".join(parts))
    except OSError as error:
        fail(error)
    print(f"\nreport: {report}", file=sys.stderr)


main(sys.argv[1:])
