"""The root class of booksync's own errors, which separates expected errors from defects."""


class BooksyncError(Exception):
    """booksync cannot do what was requested.

    The text of each error is for people: it holds no secrets, and no personal data unless `impersonal` is another text.
    """

    def __init__(self, message: str = "") -> None:
        """Set the message; without one, the first paragraph of the type's docstring is the message."""
        super().__init__(message or " ".join((type(self).__doc__ or "").split("\n\n")[0].split()))

    @property
    def impersonal(self) -> str:
        """The text without personal data, for records."""
        return str(self)
