"""Errors meant for the user: what happened, what to do, and the exit status."""


class KsrcfindError(Exception):
    """An error to show without a traceback.

    `title` says what happened, `hint` what to do about it (may be empty). The command line exits with `exit_code`.
    """

    exit_code = 2

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.hint = hint


class NoTreeError(KsrcfindError):
    """There is no kernel tree to answer from."""
