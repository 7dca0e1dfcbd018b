"""Keep the pointers from mixlib to the book true: `# (4.7) eq-m-full`.

`make pointers` rewrites the numbers from the labels. A new pointer may be written `# (?) eq-m-full`.
"""

import io
import re
import tokenize

from results import ROOT, THEOREMS, equation_numbers, pages, results, texts

POINTER = re.compile(r"\(([A-Z\d.]+|\?)\) (eq-[a-z0-9-]+)")
BARE = re.compile(r"\(([A-Z\d]+\.\d+)\)(?! eq-)")
LABEL = re.compile(r"\b(?:eq|thm|prp|lem|cor)-[a-z0-9-]+")


def modules(root=ROOT):
    return sorted((root / "mixlib").rglob("*.py"))


def rewritten(source, numbers):
    """The source with every pointer's number as the book has it."""
    return POINTER.sub(lambda found: f"({numbers.get(found[2], '?')}) {found[2]}", source)


def complaints(source, numbers, theorems):
    """What is wrong with the pointers of one module."""
    wrong = [
        f"({number}) {label} is ({numbers.get(label, 'not in the book')})"
        for number, label in POINTER.findall(source)
        if number != numbers.get(label)
    ]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            bare = set(BARE.findall(token.string)) & set(numbers.values())
            wrong += [f"({number}) stands without its label" for number in sorted(bare)]
        if token.type == tokenize.COMMENT:
            for found in LABEL.finditer(token.string):
                label = found[0]
                if label.startswith("eq-"):
                    if not re.search(r"\([A-Z\d.]+\) $", token.string[: found.start()]):
                        wrong.append(f"{label} stands without its number")
                elif label not in theorems:
                    wrong.append(f"{label} is not in the book")
    return wrong


def theorem_labels(root=ROOT):
    return {result.label for _, path in pages(root) for result in results(texts(path)) if result.kind in THEOREMS}


def main():
    numbers = equation_numbers()
    for path in modules():
        source = path.read_text(encoding="utf-8")
        changed = rewritten(source, numbers)
        if changed != source:
            path.write_text(changed, encoding="utf-8")
            print(f"rewrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
