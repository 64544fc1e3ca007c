"""Names for code, made of the names that templates and schemas use."""

from __future__ import annotations

import builtins
import json
import keyword
import re
from collections.abc import Collection

from pydantic import BaseModel

OF_A_MODEL = frozenset(name for name in dir(BaseModel) if not name.startswith("__"))
OF_PYTHON = frozenset(dir(builtins))


def snake(text: str) -> str:
    """A name for a variable or a function.

    >>> snake("Process-Payment"), snake("2nd try"), snake("class"), snake("unitPrice")
    ('process_payment', 'n2nd_try', 'class_', 'unit_price')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_") or "value"
    name = f"n{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) else name


def pascal(text: str) -> str:
    """A name for a class.

    >>> pascal("process_payment"), pascal("2nd-try"), pascal("unitPrice")
    ('ProcessPayment', 'N2ndTry', 'UnitPrice')
    """
    return "".join(part[0].upper() + part[1:] for part in snake(text).split("_") if part)


def field_name(key: str) -> str:
    """The name of a model's field for the key of an object: the key itself, wherever that can be.

    >>> field_name("sku"), field_name("class"), field_name("unit-price"), field_name("copy"), field_name("_id")
    ('sku', 'class_', 'unit_price', 'copy_', 'id_')
    """
    can_be = key.isidentifier() and key.isascii() and not keyword.iskeyword(key) and not key.startswith("_")
    name = key if can_be else snake(key)
    return f"{name}_" if name in OF_A_MODEL or (name in OF_PYTHON and not can_be) else name


def unused(name: str, taken: Collection[str]) -> str:
    """``name``, with a number where it is taken already."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}{number}"
    return candidate


def text(value: str) -> str:
    """A Python literal of a text, in the quotes that formatters choose.

    >>> print(text("it's"), text('say "a"'))
    "it's" 'say "a"'
    """
    double = json.dumps(value, ensure_ascii=False)
    if value.count('"') > value.count("'"):
        return "'" + double[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    return double
