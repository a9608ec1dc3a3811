"""The one error that means: the input is at fault, not the program."""


class InputError(ValueError):
    """Bad input. The message is one sentence for the user: what is wrong, with which file or value, what to do.

    The command line prints it on one line and exits with 2; the page shows it as a message.
    """
