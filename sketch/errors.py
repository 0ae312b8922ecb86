"""What ends a script in good order: a user's mistake, or a signal."""


class InputError(Exception):
    """A mistake in what the user gave: one line with the file, the place and the remedy."""


class Interrupted(Exception):
    """A signal ended the work in good order; `number` is the signal's."""

    def __init__(self, message, number):
        super().__init__(message)
        self.number = number
