"""Markdown tables, as the documents and model cards have them."""


def table(lines):
    """Return a Markdown table of lines of text cells; the first line has the titles."""
    lines = [lines[0], ['---'] * len(lines[0]), *lines[1:]]
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines)
