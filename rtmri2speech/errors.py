"""InputError: the input is at fault, not the program."""


class InputError(ValueError):
    """Bad input. One sentence for the user: what is wrong, with which file or value, what to do.

        raise InputError("{path} lasts {seconds:.1f} s: at most {most:g} s are read.", path=path, seconds=s, most=300)

    template: the English sentence with placeholders (str.format), which is the key of its Japanese translation in
    ui/texts/errors.ja.json. values: of the placeholders; an InputError among them is translated, too. The command line
    prints the sentence on one line and exits with 2; the page shows it as a message.
    """

    def __init__(self, template: str, **values: object):
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values = values
