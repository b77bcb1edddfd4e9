#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_support.py - the runner of support.py: several tests at once, and what fails is named and is its exit code."""
import os
import subprocess
import sys
import tempfile
import unittest

import support

PLANTED = '''
import threading, unittest
from support import main
both = threading.Barrier(2, timeout=10)

class Waits(unittest.TestCase):
    shared = None
    @classmethod
    def setUpClass(cls):
        cls.shared = "set up"
    @classmethod
    def tearDownClass(cls):
        print("torn down")
    def test_a(self):
        both.wait()
        self.assertEqual(self.shared, "set up")
    def test_b(self):
        both.wait()
    @unittest.skip("not here")
    def test_c(self):
        pass

class Others(unittest.TestCase):
    def test_d(self):
        self.{d}

main()
'''


class Runner(unittest.TestCase):
    def run_planted(self, d, *args):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "planted.py")
            with open(path, "w") as f:
                f.write(PLANTED.replace("{d}", d))
            environment = {**os.environ, "PYTHONPATH": os.path.dirname(support.__file__)}
            return subprocess.run([sys.executable, path, *args], env=environment, capture_output=True, text=True, timeout=60)

    def test_two_that_wait_for_each_other_pass(self):
        p = self.run_planted("assertTrue(True)")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("4 tests, 0 failed", p.stderr)
        self.assertIn("skipped: not here", p.stderr)
        self.assertEqual(p.stdout, "torn down\n")

    def test_one_that_fails_is_named_with_its_reason(self):
        p = self.run_planted("assertEqual('one', 'two')")
        self.assertEqual(p.returncode, 1, p.stderr)
        self.assertRegex(p.stderr, "test_d .*FAIL")
        self.assertIn("'one' != 'two'", p.stderr)
        self.assertIn("4 tests, 1 failed", p.stderr)
        self.assertEqual(p.stdout, "torn down\n")

    def test_one_that_breaks_is_named_with_its_reason(self):
        p = self.run_planted("frobnicate()")
        self.assertEqual(p.returncode, 1, p.stderr)
        self.assertIn("has no attribute 'frobnicate'", p.stderr)

    def test_a_name_on_the_command_line_chooses(self):
        p = self.run_planted("assertEqual('one', 'two')", "Waits.test_c")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("Ran 1 test", p.stderr)


if __name__ == "__main__":
    unittest.main()
