"""The check of the settings: missing or malformed variables."""

from workers.services.doctor.findings import Finding, Part, error


def check_settings(problem: str | None) -> list[Finding]:
    """Return the trouble of settings that cannot be read; `problem` is the sentence of the SettingsError."""
    if problem is None:
        return []
    return [
        error(
            Part.SETTINGS,
            "settings",
            problem.rstrip("."),
            cause="the environment of this command lacks them, or has other ones than the processes",
            next_step="correct the environment, as .env.example describes it",
        )
    ]
