"""Exceptions that end a script with one line: invalid input, or a signal."""


class InputError(Exception):
    """Invalid input: one line with the file, the place and the remedy."""


class Interrupted(Exception):
    """A signal stopped a training after a checkpoint was saved; `number` is the signal's."""

    def __init__(self, message, number):
        super().__init__(message)
        self.number = number
