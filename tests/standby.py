"""A Postgres that became a standby: it is in recovery and accepts only queries."""

from sandbox.servers import EmbeddedPostgres


class EmbeddedStandby(EmbeddedPostgres):
    """Start it once as a primary, stop it, call `demote`, and start it again."""

    def demote(self) -> None:
        (self.data / "standby.signal").touch()

    def _responds(self, pid: int, port: int) -> bool:
        """A standby's state in the pid file is not "ready" but "standby"."""
        lines = self._pid_file_lines()
        is_standby = len(lines) == 8 and (lines[0], lines[7].strip()) == (str(pid), "standby")
        return is_standby or super()._responds(pid, port)
