"""The command line of the demo; it reports every way in which the demo ends."""

import argparse
import os
import signal
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from sandbox.demo.errors import Stopped
from sandbox.demo.folder import DemoFolder
from sandbox.demo.options import Options, Size
from sandbox.demo.screen import Screen
from sandbox.demo.story import tell
from sandbox.servers import SandboxError

#: The seconds from a signal to the end of the demo. After that time the demo exits, and the watchers end the remaining
#: processes.
STOP_SECONDS = 9.5

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return the exit code: 0 done or stopped by the user, 1 failed; argparse exits with 2."""
    return run(read_options(arguments))


def run(options: Options) -> int:
    """Run the demo, and report in one sentence why it ended."""
    screen = Screen(as_json=options.as_json)
    last_resort = threading.Timer(STOP_SECONDS, os._exit, (1,))
    last_resort.daemon = True
    for number in _SIGNALS:
        # A signal that nohup or a background shell made us ignore stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)

    def before_the_end() -> None:
        """Ignore further Ctrl-C from here on, because the shutdown has begun and ends by itself."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        last_resort.start()

    try:
        tell(options, screen, before_the_end)
    except Stopped:
        return 130 if options.once else 0
    except SandboxError as error:
        screen.problem(f"{error}.")
        return 1
    except OSError as error:
        screen.problem(f"The demo cannot use {error.filename or 'what it needs'}: {error.strerror or error}.")
        return 1
    except Exception as error:  # noqa: BLE001  # The outermost handler: it prints a sentence instead of a traceback.
        screen.problem(f"{_unexpected(error, DemoFolder(options.folder).failure)}.")
        return 1
    finally:
        last_resort.cancel()
    return 0


def read_options(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.demo",
        description="booksync at work on this machine: a Postgres, a Valkey and a simulated Zoho Books of its own,"
        " two workers, the scheduler and the web process. DATABASE_URL and REDIS_URL, where set, name other servers.",
    )
    usual = Size()
    parser.add_argument("--once", action="store_true", help="exit after the first sync and the opening")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object; texts go to stderr")
    parser.add_argument("--fresh", action="store_true", help="delete the data of an earlier demo")
    parser.add_argument("--contacts", type=_count, metavar="N", help=f"of the organisation ({usual.contacts})")
    parser.add_argument("--invoices", type=_count, metavar="N", help=f"of the organisation ({usual.invoices})")
    parser.add_argument(
        "--folder", type=Path, default=Options().folder, help="folder for the demo's data (%(default)s)"
    )
    return Options(**vars(parser.parse_args(arguments)))


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not a number of records")
    return int(text)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _unexpected(error: Exception, log: Path) -> str:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(traceback.format_exception(error)))
    return f"The demo itself failed ({type(error).__name__}); its log is {log}"
