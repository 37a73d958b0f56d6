"""Reads C++ just well enough for tools/tidy: comments, literals, function bodies, containers."""

import re
from typing import Iterator

CPP_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\bR"(?P<mark>[^()\\\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"
        |\b\d[\w.']*|'(?:\\.|[^'\\\n])+'""", re.S | re.X)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)


def strip_cpp(text: str) -> str:
    def blank(match: re.Match) -> str:
        token = match[0]
        if token[0].isdigit():
            return token.replace("'", "")
        lines = "\n" * token.count("\n")
        return {'"': '""', "R": '""', "'": "0"}.get(token[0], "") + lines

    without = CPP_TOKEN.sub(blank, text)
    return PREPROCESSOR.sub(lambda m: "\n" * m[0].count("\n"), without)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def functions(code: str) -> Iterator[tuple[int, int]]:
    """First and last line of every outermost function body, found by matching braces.

    `head` is where the declaration begins that a brace may open a body for, or the element of an
    initialiser list that a lambda stands in. A brace that follows `=` or, without a space, a word
    (clang-format writes initialisers so) opens no body.
    """
    stack: list[tuple[str, int, int]] = []  # kind, start of its head, parentheses open before it
    head, parens = 0, 0
    for match in re.finditer(r"[{}();,]|\b(?:public|private|protected):", code):
        token, at = match[0], match.start()
        inside = any(kind == "function" for kind, _, _ in stack)
        if token in "()":
            parens += 1 if token == "(" else -1
        elif token == "{":
            kind = "expression" if inside else brace_kind(code, head, at, parens)
            stack.append((kind, head, parens))
            parens = 0
            head = at + 1
        elif token == "}" and stack:
            kind, start, parens = stack.pop()
            if kind == "function" and not any(k == "function" for k, _, _ in stack):
                yield line_of(code, first_word(code, start)), line_of(code, at)
            head = at + 1 if kind != "expression" and parens == 0 else start
        elif not inside and parens == 0:
            if token != "," or (stack and stack[-1][0] == "expression"):
                head = match.end()


def first_word(code: str, start: int) -> int:
    match = re.compile(r"\S").search(code, start)
    return match.start() if match else start


def brace_kind(code: str, head: int, at: int, parens: int) -> str:
    declaration = code[head:at]
    before = declaration.rstrip()
    if parens > 0:  # A default argument or, after `)` or `]`, a lambda handed to a call.
        return "function" if before.endswith((")", "]")) else "expression"
    if re.search(r"\bnamespace\b|\bextern\s*\"\"$", before):
        return "scope"
    if re.search(r"\b(class|struct|union|enum)\b[^()=]*$", without_template_head(before)):
        return "scope"
    if before.endswith(("=", ",")) or before == declaration:
        return "expression"
    return "function" if "(" in before else "expression"


def without_template_head(text: str) -> str:
    while match := re.search(r"\btemplate\s*<", text):
        depth, end = 1, match.end()
        while depth > 0 and end < len(text):
            depth += {"<": 1, ">": -1}.get(text[end], 0)
            end += 1
        text = text[:match.start()] + text[end:]
    return text


UNORDERED = re.compile(r"\bunordered_(?:multi)?(?:map|set)\s*<")


def unordered_names(code: str) -> set[str]:
    names = set()
    for match in UNORDERED.finditer(code):
        depth, end = 1, match.end()
        while depth > 0 and end < len(code):
            depth += {"<": 1, ">": -1}.get(code[end], 0)
            end += 1
        name = re.match(r"[&\s]*(\w+)", code[end:])
        if name:
            names.add(name[1])
    return names
