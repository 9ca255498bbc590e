"""Runs the demo: `python -m sandbox.demo`, or `make demo`."""

import signal
import sys

# The imports take a moment. A Ctrl-C during them ends the process without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from sandbox.demo.command import main

sys.exit(main())
