#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests the program `flowchain` from outside: exit codes, messages, files.

usage: runner-test.py PROGRAM [unittest options]
"""

import re
import resource
import signal

from program_test import ProgramTest, main

SCENARIO = """# SPDX-License-Identifier: GPL-2.0-only
[sim]
stop = "20ms"

[[service]]

[[accelerator]]

[[workload]]
kind = "sessions"
sessions = 10
rate = 2000

[[expect]]
metric = "sessions.completed"
equals = 10
"""
EXPECT_FAILS = ("-s", "expect[0].equals=11")


def limit_file_size():
    """Every write to a file fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


class RunnerTest(ProgramTest):
    SCENARIO = SCENARIO

    # Command line

    def test_bad_command_lines_are_bad_input(self):
        for arguments, words in (
            ((), "A subcommand is required"),
            (("fly",), "A subcommand is required"),
            (("run",), "FILE is required"),
            (("check",), "FILE is required"),
            (("run", "first.toml", "--loud"), "--loud"),
            (("run", "first.toml", "second.toml"), "second.toml"),
            (("run", "first.toml", "-s"), "--set"),
            (("metrics", "first.toml"), "first.toml"),
        ):
            with self.subTest(arguments=arguments):
                done = self.expect(2, *arguments)
                self.assertIn(words, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_help_documents_the_exit_codes(self):
        for arguments in (("--help",), ("run", "--help"), ("check", "--help")):
            text = self.expect(0, *arguments).stdout
            for words in (
                "0 every expectation holds",
                "1 an expectation failed",
                "2 bad command line",
                "3 an invariant was violated",
            ):
                self.assertIn(words, text, arguments)
        text = self.expect(0, "run", "--help").stdout
        for option in ("--set KEY=VALUE", "--results DIR", "--pcap NODES", "--quiet"):
            self.assertIn(option, text)

    def test_version_says_what_the_program_is_made_of(self):
        text = self.expect(0, "--version").stdout
        self.assertRegex(
            text,
            r"\Aflowchain \S+\ncommit +\S+\nbuild type +\S+\ncompiler +\S.*\nns-3 +\S+\n\Z",
        )

    def test_metrics_have_name_kind_unit_and_meaning(self):
        lines = self.expect(0, "metrics").stdout.splitlines()
        self.assertGreater(len(lines), 50)
        for line in lines:
            self.assertRegex(line, r"^[a-z][a-z0-9_.-]+ +(scalar|histogram|series) +\S+ +\S")
        names = [tuple(line.split()[:2]) for line in lines]
        self.assertEqual(len(set(names)), len(names))
        self.assertIn(("sessions.lost", "scalar"), names)
        self.assertIn(("latency.first_packet.p99", "scalar"), names)
        self.assertIn(("latency.first_packet", "histogram"), names)

    # Scenario files

    def test_missing_file(self):
        for command in ("run", "check"):
            done = self.expect(2, command, "none.toml")
            self.assertEqual(done.stderr, "none.toml: No such file or directory\n")

    def test_errors_name_file_line_column_and_key(self):
        self.file.write_text(SCENARIO + '[chain]\nlenght = 2\nrelease = "al"\n', encoding="utf-8")
        for command in ("run", "check"):
            done = self.expect(2, command, "first.toml")
            self.assertEqual(
                done.stderr,
                "first.toml:18:1: error: chain.lenght: unknown key, did you mean 'length'?\n"
                'first.toml:19:11: error: chain.release: "al" is not possible (immediate, chain, '
                "all, tail), did you mean 'all'?\n",
            )
            self.assertEqual(done.stdout, "")
        self.assertFalse((self.folder / "results").exists())

    def test_overrides_come_before_validation(self):
        done = self.expect(2, "check", "-s", "chain.length=9", "first.toml")
        self.assertEqual(done.stderr, "-s chain.length: 9 is out of range, 1 to 8\n")
        options = ("-s", "chain.length=2", "-s", "sim.seed=5")
        text = self.expect(0, "check", "first.toml", *options).stdout
        self.assertIn("\nlength = 2\n", text)
        self.assertIn("\nseed = 5\n", text)

    def test_check_prints_the_system_and_a_scenario(self):
        first = self.expect(0, "check", "first.toml").stdout
        self.assertRegex(first, r"(?m)^# client\[0\] +172\.16\.0\.1 +0$")
        self.assertRegex(first, r"(?m)^# accelerator to flow manager +2-4$")
        # The output is a scenario, and the same one.
        (self.folder / "again").mkdir()
        (self.folder / "again" / "first.toml").write_text(first, encoding="utf-8")
        self.assertEqual(self.expect(0, "check", "again/first.toml").stdout, first)

    # Runs

    def test_run_writes_a_record(self):
        done = self.expect(0, "run", "first.toml")
        self.assertEqual(done.stderr, "")
        self.assertIn("pass sessions.completed equals 10: 10", done.stdout)
        self.assertIn("results/first/result.json", done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 100)
        result = self.result()
        self.assertEqual(result["exit_code"], 0)
        self.assertEqual(result["scenario"]["name"], "first")
        self.assertEqual(result["scenario"]["seed"], 1)
        resolved = self.expect(0, "check", "first.toml").stdout.split("\n\n", 1)[1]
        self.assertEqual(result["scenario"]["toml"], resolved)
        self.assertEqual(result["metrics"]["sessions.completed"]["value"], 10)
        self.assertEqual(result["violations"], [])
        self.assertRegex(result["metrics"]["trace.digest"]["value"], r"^[0-9a-f]{16}")
        for key in ("version", "compiler", "build_type", "commit", "ns3_version"):
            self.assertTrue(result["build"][key])

    def test_two_runs_differ_in_the_run_object_only(self):
        texts = []
        for _ in range(2):
            self.expect(0, "run", "first.toml", "--quiet")
            file = self.folder / "results/first/result.json"
            texts.append(file.read_text(encoding="utf-8"))
        deterministic = [re.sub(r'(?s)\n  "run": \{.*', "", text) for text in texts]
        self.assertEqual(deterministic[0], deterministic[1])
        self.assertGreater(len(deterministic[0]), 1000)

    def test_another_seed_is_another_run(self):
        arguments = ("run", "first.toml", "--quiet", "-s", "workload[0].arrivals=poisson")
        digests = set()
        for seed in (1, 2):
            self.expect(0, *arguments, "-s", f"sim.seed={seed}")
            digests.add(self.result()["metrics"]["trace.digest"]["value"])
        self.assertEqual(len(digests), 2)

    def test_a_run_is_bounded_in_events(self):
        arguments = ("run", "first.toml", "--quiet")
        self.expect(0, *arguments)
        events = self.result()["metrics"]["run.events"]["value"]
        self.expect(0, *arguments, "-s", f"sim.events_max={events}")
        done = self.expect(2, *arguments, "-s", f"sim.events_max={events - 1}")
        self.assertIn(f"{events} events are more than events_max", done.stderr)

    def test_failed_expectation(self):
        done = self.expect(1, "run", "first.toml", *EXPECT_FAILS)
        self.assertIn("FAIL sessions.completed equals 11: 10", done.stdout)
        result = self.result()
        self.assertEqual(result["exit_code"], 1)
        self.assertEqual([e["holds"] for e in result["expectations"]], [False])

    def test_quiet_prints_nothing_but_keeps_the_exit_code(self):
        for code, arguments in ((0, ()), (1, EXPECT_FAILS)):
            done = self.expect(code, "run", "first.toml", "--quiet", *arguments)
            self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_no_result_is_written_if_none_is_wanted(self):
        self.expect(0, "run", "first.toml", "-s", "output.result=false")
        self.assertFalse((self.folder / "results").exists())

    def test_results_folder_is_made(self):
        self.expect(0, "run", "first.toml", "--results", 'a "b"/c')
        self.assertEqual(self.result('a "b"/c')["exit_code"], 0)

    def test_pcap_names_are_checked(self):
        done = self.expect(2, "run", "first.toml", "--pcap", "client[0],manger[1]")
        self.assertEqual(
            done.stderr,
            "-s output.pcap: output.pcap[1]: no node \"manger[1]\", did you mean 'manager[1]'?\n",
        )

    def test_pcap_files_lie_beside_the_result(self):
        self.expect(0, "run", "first.toml", "--quiet", "--pcap", "client[0],manager[2]")
        captures = list((self.folder / "results/first").glob("**/*.pcap*"))
        self.assertTrue(captures)
        for capture in captures:
            self.assertGreater(capture.stat().st_size, 24, capture)

    # What cannot be written

    def test_result_on_a_full_disk(self):
        done = self.expect(2, "run", "first.toml", "--quiet", preexec_fn=limit_file_size)
        self.assertEqual(
            done.stderr, "flowchain: results/first/result.json: cannot write: File too large\n"
        )
        self.assertEqual(list(self.folder.glob("results/first/*")), [])

    def test_results_folder_that_is_a_file(self):
        done = self.expect(2, "run", "first.toml", "--results", "first.toml")
        self.assertIn("flowchain: first.toml", done.stderr)

    def test_full_standard_output(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            for arguments in (("metrics",), ("check", "first.toml"), ("run", "first.toml")):
                done = self.expect(2, *arguments, stdout=full)
                self.assertIn("flowchain: cannot write to ", done.stderr)


if __name__ == "__main__":
    main(__doc__)
