#!/usr/bin/env python3
"""Usage: test_report.py

What the report says of a step.json: that each group of peers has its own best peer, ratios, and means.
"""
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

import compare  # noqa: E402
import results  # noqa: E402
import tables  # noqa: E402


def run(name, batch, seconds, median):
    return {"name": f"step/{name}", "seconds_p10": seconds, "seconds_median": median, "samples": batch / seconds,
            "peak_fraction": 0.5, "peak_fraction_median": 0.4}


RUNS = [
    run("small/backprop/threads:1", 16, 1e-6, 2e-6),
    run("small/openblas/threads:1", 16, 2e-6, 2e-6),
    run("small/torch/threads:1", 16, 9e-6, 9e-6),
    run("small/fann/threads:1", 16, 4e-6, 8e-6),
    run("large/backprop/threads:1", 17, 1e-3, 2e-3),
    run("large/openblas/threads:1", 17, 8e-3, 8e-3),
    run("large/libxsmm/threads:1", 17, 0.5e-3, 9e-3),
    run("large/torch/threads:1", 17, 16e-3, 16e-3),
    {"name": "step/large/fann/threads:1", "error_occurred": True, "error_message": "trains otherwise"},
]


def steps(runs, **context):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "step.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"context": context, "benchmarks": runs}, file)
        return results.steps(path)[1]


class Groups(unittest.TestCase):
    def setUp(self):
        self.steps = steps(RUNS, as_used="fann torch")

    def found(self, as_used):
        return [(r.shape, r.peer.implementation, round(r.ratio, 6), round(r.ratio_median, 6))
                for r in compare.rows(self.steps, as_used)]

    def test_each_group_has_its_best_peer(self):
        self.assertEqual(self.found(False), [("small", "openblas", 2, 1), ("large", "libxsmm", 0.5, 4)])
        self.assertEqual(self.found(True), [("small", "fann", 4, 4), ("large", "torch", 16, 8)])
        self.assertEqual(self.found(None), [("small", "openblas", 2, 1), ("large", "libxsmm", 0.5, 4)])

    def test_means_of_all_rows_and_of_small_batches(self):
        self.assertEqual(tables.verdicts(self.steps, False),
                         ["1 thread: 1.00 (by medians 2.00) in 2 rows, 2.00 (by medians 1.00) in the 1 with batches of "
                          "1 to 16; at worst 0.50, large"])
        self.assertEqual(tables.verdicts(self.steps, True),
                         ["1 thread: 8.00 (by medians 5.66) in 2 rows, 4.00 (by medians 4.00) in the 1 with batches of "
                          "1 to 16; at worst 4.00, small"])

    def test_samples_of_both(self):
        self.assertEqual(tables.as_used_cells(self.steps)[1],
                         ("large", "1", "1.00 ms", "17 k", "torch", "16.0 ms", "1.06 k", "16.0", "8.00"))

    def test_summary_has_a_line_for_each_row(self):
        lines = tables.summary(self.steps).split("\n")
        self.assertEqual([line.split() for line in lines[2:4]],
                         [["small", "1", "1.00", "us", "50.0", "%", "openblas", "2.00", "fann", "4.00"],
                          ["large", "1", "1.00", "ms", "50.0", "%", "libxsmm", "0.50", "torch", "16.0"]])

    def test_a_group_without_peers_is_left_out(self):
        alone = steps(RUNS[:2])
        self.assertNotIn("user would otherwise run", tables.summary(alone))
        part = tables.step_part({}, alone, "")
        self.assertIn("### Against steps built by hand", part)
        self.assertNotIn("user would otherwise run", part)


unittest.main()
