"""`python -m tests.plain_language [-v] [PATH…]`: the share of sentences with a mannerism, which must stay below 1 %.

It reads docstrings, comments, test names, texts for people (help, logs, errors) and Markdown. docs/glossary.md says
which word to use instead.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: The share that fails the check.
LIMIT = 0.01

_PERSONS = r"somebody|nobody|everybody|someone|everyone|whoever|whosoever|whom"
_VERBS = r"tell|tells|told|telling|settle|settles|settled|settling|answer|answers|answered|answering"
_ADVERBS = r"anew|meanwhile|beside|thereby|thereof|whereby|hitherto|henceforth|lest|thrice|aside"
_PHRASES = (
    r"of (?:it|them|those)|so (?:long|many)|(?:is|are|was|were) (?:no|none)|be it|all the same|puts? (?:it|them) away"
    r"|in vain|for good|once for all|no longer's|takes? up|taken up|took up|steps? aside|in whose|at whose"
)
_RETIRED = r"sweep of persons|skipped invoices?|reminder contacts?|death letters?|the brake|the links?(?= to Zoho)"

MANNERISMS = re.compile(rf"\b(?:{_PERSONS}|{_VERBS}|{_ADVERBS}|{_PHRASES}|{_RETIRED})\b", re.IGNORECASE)

#: A sentence that begins with a relative clause and names its subject only at the end.
RIDDLE = re.compile(r"^(?:Who|Whose|Of)\b(?!.*\?$)")

_SQL = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WHERE|FROM|RETURNING|GRANT|VALUES)\b")
_WORDS_OF_A_TEXT = 4


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and where it stands."""

    path: Path
    line: int
    kind: str
    text: str

    @property
    def is_mannered(self) -> bool:
        return bool(MANNERISMS.search(self.text) or RIDDLE.search(self.text))


def sentences_of(path: Path) -> Iterator[Sentence]:
    """The sentences of a file; empty for files of other kinds."""
    text = path.read_text()
    if path.suffix == ".py":
        yield from _of_python(path, text)
    elif path.suffix == ".md":
        yield from _of_markdown(path, text)
    elif path.suffix in {".sql", ".lua"}:
        for number, line in enumerate(text.splitlines(), 1):
            if line.lstrip().startswith("--"):
                yield from _split(path, number, "comment", line.lstrip("- "))


def _of_python(path: Path, source: str) -> Iterator[Sentence]:
    tree = ast.parse(source)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if docstring := ast.get_docstring(node):
                docstrings.add(id(node.body[0].value))  # type: ignore[attr-defined]
                yield from _split(path, node.body[0].lineno, "docstring", docstring)
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield Sentence(path, node.lineno, "test name", node.name.replace("_", " "))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings and _is_text(node.value):
            yield from _split(path, node.lineno, "text", str(node.value))
    for comment in _comments(source):
        yield from _split(path, *comment)


def _comments(source: str) -> Iterator[tuple[int, str, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not re.match(r"#\s*(?:noqa|type:|pragma)", token.string):
            yield token.start[0], "comment", token.string.lstrip("#: ")


def _is_text(value: object) -> bool:
    """Whether a constant is a text for people: several words and not SQL."""
    if not isinstance(value, str):
        return False
    return len(re.findall(r"[A-Za-z]{2,}", value)) >= _WORDS_OF_A_TEXT and " " in value and not _SQL.search(value)


def _of_markdown(path: Path, text: str) -> Iterator[Sentence]:
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield from _split(path, number, "docs", re.sub(r"`[^`]*`|\]\([^)]*\)", " ", line).strip("#|-* "))


def _split(path: Path, line: int, kind: str, text: str) -> Iterator[Sentence]:
    for sentence in re.split(r"(?<=[.!?:;])\s+|\n\n|\s\|\s", text):
        if plain := " ".join(sentence.split()):
            yield Sentence(path, line, kind, plain)


def _files(roots: Iterable[str]) -> list[Path]:
    command = ["git", "ls-files", "--", *roots]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    return [Path(name) for name in listed.stdout.splitlines() if Path(name).suffix in {".py", ".md", ".sql", ".lua"}]


def main(arguments: list[str]) -> int:
    """Print the shares by folder and kind. Returns 1 if the total share is not below the limit."""
    is_verbose = "-v" in arguments
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for path in _files([each for each in arguments if each != "-v"]):
        for sentence in sentences_of(path):
            for name in (path.parts[0], sentence.kind, "all"):
                counts[name][0] += sentence.is_mannered
                counts[name][1] += 1
            if is_verbose and sentence.is_mannered:
                print(f"{path}:{sentence.line}: {sentence.kind}: {sentence.text[:140]}")
    for name, (mannered, total) in sorted(counts.items(), key=lambda item: item[1][1]):
        print(f"{name:20} {mannered:5} of {total:6} sentences  {mannered / total:6.2%}")
    mannered, total = counts["all"]
    return int(mannered >= LIMIT * total)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
