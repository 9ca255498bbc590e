"""The check of ENCRYPTION_KEYS against the stored key canary."""

from workers.services.doctor.findings import Finding, Part, error


def check_keys(can_read_secrets: bool | None) -> list[Finding]:
    """Return the trouble of keys that cannot read the stored secrets; None means that there are none, or unknown."""
    if can_read_secrets is not False:
        return []
    return [
        error(
            Part.KEYS,
            "wrong_keys",
            "ENCRYPTION_KEYS of this command cannot read the stored secrets",
            cause="the setting is that of another installation, or a key was removed before booksync rotate-keys",
            next_step="add the key that they were encrypted with at the end of the list, and restart",
        )
    ]
