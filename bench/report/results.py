"""What the benchmark programs wrote, as records: Google Benchmark's JSON in, steps and kernels out."""

import json
import math
import re
from collections import namedtuple
from statistics import median

# as_used: a peer that is a library's own training, not a step built by hand on it. seconds is the 10th percentile,
# samples the rows a second by that. A step that failed has an error and nothing else.
Step = namedtuple("Step", "shape implementation threads as_used seconds median samples peak peak_median error")
# peak and bandwidth are fractions, or None where they say nothing.
Kernel = namedtuple("Kernel", "kernel isa kind shape cold seconds peak peak_median bandwidth bytes_per_second")

UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


class Unreadable(Exception):
    """A file that cannot be used, with one line that says why."""


def load(path):
    """The file's context and its benchmarks, repetitions of the same one merged; None if there is no such file."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path} cannot be read: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("benchmarks"), list):
        raise Unreadable(f"{path} is not what a benchmark writes: it has no list 'benchmarks'")
    runs = {}
    for run in data["benchmarks"]:
        if not isinstance(run, dict) or not isinstance(run.get("name"), str):
            raise Unreadable(f"{path} is not what a benchmark writes: a benchmark without a name")
        if run.get("run_type", "iteration") == "iteration":
            runs.setdefault(run["name"], []).append(run)
    if not runs:
        raise Unreadable(f"{path} holds no benchmark: nothing matched the filter, or the run was cut short")
    context = data.get("context")
    return context if isinstance(context, dict) else {}, [merged(same) for same in runs.values()]


def merged(repetitions):
    """One run with the medians of all numbers; the first's text."""
    good = [run for run in repetitions if not run.get("error_occurred")] or repetitions[:1]
    result = dict(good[0])
    for key, value in result.items():
        values = [run.get(key) for run in good]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            result[key] = median(values)
    return result


def number(run, key, path):
    value = run.get(key)
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise Unreadable(f"{path}: {run['name']} has no usable '{key}'")
    return value


def optional(run, key, path):
    return None if run.get(key) is None else number(run, key, path)


def steps(path):
    """The context and the steps named step/<shape>/<implementation>/threads:<n>, or None without a file."""
    loaded = load(path)
    if loaded is None:
        return None
    result, as_used = [], str(loaded[0].get("as_used", "")).split()
    for run in loaded[1]:
        parts = run["name"].split("/")
        if len(parts) < 4 or parts[0] != "step" or not parts[3].startswith("threads:"):
            continue
        try:
            threads = int(parts[3].removeprefix("threads:"))
        except ValueError:
            raise Unreadable(f"{path}: {run['name']} has no number of threads") from None
        who = (parts[1], parts[2], threads, parts[2] in as_used)
        if run.get("error_occurred"):
            error = " ".join(str(run.get("error_message") or "failed").split())
            result.append(Step(*who, None, None, None, None, None, error))
        else:
            seconds = number(run, "seconds_p10", path)
            if seconds == 0:
                raise Unreadable(f"{path}: {run['name']} took no time")
            result.append(Step(*who, seconds, *(number(run, key, path) for key in ("seconds_median", "samples")),
                               *(optional(run, key, path) for key in ("peak_fraction", "peak_fraction_median")), None))
    if not result:
        raise Unreadable(f"{path} holds no benchmark named step/<shape>/<implementation>/threads:<n>")
    return loaded[0], result


def kernels(path):
    """The context and the kernels named <kernel>/<isa>[/<kind>]/<shape>[/cold], or None without a file."""
    loaded = load(path)
    if loaded is None:
        return None
    result = []
    for run in loaded[1]:
        parts = run["name"].split("/")
        cold = parts[-1] == "cold"
        parts = parts[:-1] if cold else parts
        if len(parts) not in (3, 4) or not re.fullmatch(r"\d+(x\d+)+", parts[-1]) or run.get("error_occurred"):
            continue
        seconds = number(run, "cpu_time", path) * UNITS.get(run.get("time_unit"), 1e-9)
        result.append(Kernel(parts[0], parts[1], parts[2] if len(parts) == 4 else "", parts[-1], cold, seconds,
                             *(optional(run, key, path) for key in ("peak_fraction", "peak_fraction_median",
                                                                    "bandwidth_fraction", "bytes_per_second"))))
    if not result:
        raise Unreadable(f"{path} holds no benchmark named <kernel>/<isa>/<shape>")
    return loaded[0], result


def in_order(values):
    """Each value once, in the order of appearance."""
    return list(dict.fromkeys(values))
