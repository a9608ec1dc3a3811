"""The one error that means: the input is at fault, not the program."""


class InputError(ValueError):
    """Bad input. One sentence for the user: what is wrong, with which file or value, what to do.

        raise InputError("{path} lasts {seconds:.1f} s: at most {most:g} s are read.", path=path, seconds=s, most=300)

    template: the sentence in English, with a place for each value (str.format); it is the key under which
    ui/texts/errors.py keeps the sentence in Japanese. values: what fills the places; an InputError among them is
    told in the same language. The command line prints the sentence on one line and exits with 2; the page shows it as
    a message.
    """

    def __init__(self, template: str, **values: object):
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values = values
