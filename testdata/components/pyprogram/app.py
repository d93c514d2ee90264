"""A command of WASI 0.2: says what it was given, copies what it reads, and uses files, clocks and random bytes."""

import os
import sys
import time

from wit_world import exports


class Run(exports.Run):
    def run(self) -> None:
        text = sys.stdin.read()
        print("read", repr(text))
        if text == "fail":
            raise ValueError("on purpose")
        print("entries", sorted(os.listdir("/d")))
        with open("/d/in", encoding="utf-8") as file:
            content = file.read()
        with open("/d/out", "w", encoding="utf-8") as file:
            file.write(content.upper())
        try:
            open("/d/../outside")
        except OSError as error:
            print("outside", type(error).__name__)
        print("size", os.stat("/d/out").st_size)
        before = time.monotonic()
        time.sleep(0.02)
        print("slept", time.monotonic() - before >= 0.02)
        print("year", time.gmtime().tm_year)
        print("random", len(os.urandom(16)), os.urandom(16) != os.urandom(16))
        print("to stderr", file=sys.stderr)
        sys.stdout.flush()
