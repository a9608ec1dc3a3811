"""Attribution of a target of the mel to pixels and frames."""
