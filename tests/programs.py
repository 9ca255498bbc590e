"""Programs of the system that some tests need, because no wheel carries them."""

import os
import shutil

import pytest

#: Debian installs servers in a folder that is only in an administrator's PATH.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])


def needed_program(*names: str) -> str:
    """The path of the first of these programs that is installed.

    Without any of them the test is skipped, but fails in continuous integration.
    """
    found = [path for name in names if (path := shutil.which(name, path=_PATH)) is not None]
    if not found:
        missing = f"{' or '.join(names)} is not installed"
        assert "CI" not in os.environ, f"{missing}: .ci/run installs Debian's package"
        pytest.skip(missing)
    return found[0]
