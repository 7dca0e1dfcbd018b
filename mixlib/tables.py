"""Results as a table of a notebook: plain HTML in the page's own colours, so it reads on light and dark."""

from html import escape

MOST_ROWS, MOST_NUMBERS = 12, 6  # the rest of a table, and of a vector, is counted


def number(value):
    """To six digits."""
    return f"{value:.6g}"


def numbers(values):
    """A vector to four digits each, cut short if long."""
    shown = ", ".join(f"{value:.4g}" for value in values[:MOST_NUMBERS])
    return shown if len(values) <= MOST_NUMBERS else f"{shown}, \u2026 ({len(values)})"


def table(caption, heads, rows):
    """An HTML table that inherits colours and fonts, and scrolls in a narrow page."""
    cells = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows[:MOST_ROWS]
    )
    left = len(rows) - MOST_ROWS
    more = f'<tr><td colspan="{len(heads)}">\u2026 and {left} more</td></tr>' if left > 0 else ""
    return (
        '<div style="overflow-x:auto"><table style="color:inherit;background:none">'
        f'<caption style="text-align:left;color:inherit">{escape(caption)}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{body}{more}</tbody></table></div>"
    )
