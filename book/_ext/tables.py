"""Tables on a phone: one of many columns is set closer, one of words stands as cards (book.css)."""

import re
from html import escape, unescape

TABLE = re.compile(r'<table class="table">.*?</table>', re.DOTALL)
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
CELL = re.compile(r"(<t[dh]\b)([^>]*>)(.*?)(</t[dh]>)", re.DOTALL)
FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
MANY = 7  # columns
WIDE = 41  # letters side by side in the longest words of the columns: a phone has no room for so many
WORDS = 0.65  # the share of cells with words, from which on a table is one to read


def set_tables(body):
    return TABLE.sub(lambda found: set_table(found[0]), body)


def set_table(table):
    rows = [[cell[3] for cell in CELL.finditer(row)] for row in ROW.findall(table)]
    heads, cells = [text(cell) for cell in rows[0]], [text(cell) for row in rows[1:] for cell in row]
    wide = sum(max(longest(row[j]) for row in rows if j < len(row)) for j in range(len(heads))) >= WIDE
    if wide and sum(bool(re.search("[A-Za-z]{3}", cell)) for cell in cells) >= WORDS * len(cells):
        return ROW.sub(lambda row: labelled(row[0], heads), table).replace('"table"', '"table cards"', 1)
    return table.replace('"table"', '"table many"', 1) if len(heads) >= MANY else table


def text(cell):
    return unescape(re.sub("<[^>]*>", "", cell)).strip()


def longest(cell):
    """The letters of its longest word, which no line can be narrower than."""
    cell = FORMULA.sub(lambda formula: text(formula[0])[:8], cell.replace("<wbr>", " "))
    return max(map(len, re.split(r"[\s-]+", text(cell))))


def labelled(row, heads):
    """Each cell but the first says what its column is."""
    place = iter(range(len(heads)))

    def label(cell):
        j = next(place)
        return (
            f'{cell[1]} data-head="{escape(heads[j])}"{cell[2]}{cell[3]}{cell[4]}'
            if j and cell[1] == "<td"
            else cell[0]
        )

    return CELL.sub(label, row)
