"""Numbers as they stand in print: 2e-15 becomes 2·10⁻¹⁵, -4 becomes −4, and no line breaks within n = 5 or 3 ms."""

import re

NO_BREAK = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
# What is no running text: it stays as it is.
NO_TEXT = r"(?s:<(pre|code|math|script|style|svg|noscript)\b.*?</\1>|<dt class=\"sig\b.*?</dt>|<[^>]*>)"
TEXT = re.compile(NO_TEXT + r"|([^<]+)")
SCIENTIFIC = re.compile(r"(?<![\w.])([+-]?)(\d(?:\.\d+)?)e([+-]?\d+)(?![\w.]*\w)")
RULES = [
    (re.compile(r"(?<=[\d>]) / (?=[-\d])"), f"{NO_BREAK}/ "),  # two numbers in a cell
    (re.compile(r"(?<![^\s(\[/])-(?=\d)"), MINUS),  # a sign
    (re.compile(r"(?<=[\w)]) - (?=[\w(])"), f" {MINUS} "),  # a difference
    (re.compile(r"(?<=\w\()-(?=\w)"), MINUS),  # exp(-q)
    (re.compile(r"\b10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)"), lambda found: power(found[1].translate(RAISED))),
    (re.compile(r"(?<=</sup>)(?:, \d+)+"), lambda found: found[0].replace(" ", NO_BREAK)),  # (10⁶, 2, 8)
    (re.compile(r"(?<=k-means)\|\|"), "‖"),
    (re.compile(r"\b([a-zA-Z]) = (?=\d)"), rf"\1{NO_BREAK}={NO_BREAK}"),
    (re.compile(r"(?<=\d) (?=(?:dB|[cm]m|m?s|[kMG]B|gigabytes|GFLOP)\b)"), NO_BREAK),
    (re.compile(r"\(\d[\d.]*–\d[\d.]*\)"), r'<span class="together range">\g<0></span>'),
    (re.compile(r"(?<=[:\s])\w*\d–\d+(?=, \d{4}\b|\.(?:\s|$))"), r'<span class="together">\g<0></span>'),  # pages
]


def set_numbers(body):
    return TEXT.sub(lambda found: printed(found[2]) if found[2] else found[0], body)


def printed(text):
    text = SCIENTIFIC.sub(product, text)
    for rule, shown in RULES:
        text = rule.sub(shown, text)
    return text


def product(found):
    """-2e-15 as −2·10⁻¹⁵, 1e+06 as 10⁶; what is near one, or zero, as a plain number."""
    sign, digits, exponent = found[1].replace("-", MINUS), found[2], int(found[3])
    if float(digits) == 0:
        return "0"
    if abs(exponent) <= 1:
        return f"{sign}{float(f'{digits}e{exponent}'):g}"
    return sign + ("" if float(digits) == 1 else f"{digits}·") + power(exponent)


def power(exponent):
    return f"10<sup>{str(exponent).replace('-', MINUS)}</sup>"
