"""The shapes of Python types: what a pydantic model takes, and what comes of it when it is written as JSON."""

from __future__ import annotations

import inspect
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, is_typeddict
from weakref import WeakKeyDictionary

from pydantic import AliasChoices, AliasPath, BaseModel, BeforeValidator, PlainValidator, TypeAdapter, WrapValidator

from tasker_core.check.schemas import UNKNOWN, Schema, Shape, whole

_Shapes: TypeAlias = WeakKeyDictionary[type[BaseModel], Shape | None]
_taken: _Shapes = WeakKeyDictionary()
_made: _Shapes = WeakKeyDictionary()

_CAN_CHANGE_ALL = ("before", "wrap", "plain")


def is_model(thing: Any) -> bool:
    return inspect.isclass(thing) and issubclass(thing, BaseModel)


def taken(model: type[BaseModel]) -> Shape | None:
    """What ``model`` takes. Fields that a validator of its own sees first are unknown; None where all of it is."""
    if model not in _taken:
        _taken[model] = _read_taken(model)
    return _taken[model]


def made(model: type[BaseModel]) -> Shape | None:
    """What ``model_dump(mode="json")`` makes of a model."""
    if model not in _made:
        _made[model] = _read_made(model)
    return _made[model]


def _read_taken(model: type[BaseModel]) -> Shape | None:
    try:
        document = model.model_json_schema(mode="validation", by_alias=True)
    except Exception:  # pydantic has many reasons to have no schema
        return None
    for each in _models_in(model, set()):
        own = document if each is model and "$defs" not in document else _definition(document, each, model)
        if own is None:
            continue
        if _sees_all_first(each):
            own.clear()
            continue
        names = each.model_config.get("populate_by_name") or each.model_config.get("validate_by_name")
        others: dict[str, list[str]] = {}
        if any(isinstance(field.validation_alias, AliasPath) for field in each.model_fields.values()):
            own.clear()
            continue
        for name, field in each.model_fields.items():
            key = _key(name, field)
            if _sees_first(each, name):
                own.get("properties", {})[key] = {}
            accepted = [name] if names and name != key else []
            if isinstance(field.validation_alias, AliasChoices):
                accepted += [choice for choice in field.validation_alias.choices if isinstance(choice, str)]
            if accepted:
                others[key] = accepted
        if others:
            own["x-other-names"] = others
    return whole(document)


def _read_made(model: type[BaseModel]) -> Shape | None:
    by_alias = bool(model.model_config.get("serialize_by_alias"))
    try:
        document = model.model_json_schema(mode="serialization", by_alias=by_alias)
    except Exception:
        return None
    for each in _models_in(model, set()):
        own = document if each is model and "$defs" not in document else _definition(document, each, model)
        for name, field in each.model_fields.items():
            if own is not None and field.exclude:
                own.get("properties", {}).pop(name, None)
    return whole(document, is_closed=True)


def made_by(annotation: Any) -> Shape | None:
    """The shape of the result of a function that returns this; None where the annotation doesn't tell it."""
    if is_model(annotation):
        # Of a model with descendants one of these may be returned, with more fields; a RootModel may be no object.
        shape = None if annotation.__subclasses__() or not annotation.model_fields else made(annotation)
        return shape if shape is not None and shape.is_object else None
    if is_typeddict(annotation):
        try:
            return whole(TypeAdapter(annotation).json_schema(mode="serialization"), is_closed=True)
        except Exception:
            return None
    return None


def value_schema(annotation: Any) -> Schema:
    """The schema of the values of a ``dict[str, X]``; unknown for anything else."""
    arguments = get_args(annotation)
    if get_origin(annotation) is not dict or len(arguments) != 2:
        return UNKNOWN
    plain: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
    kind = plain.get(arguments[1])
    return {"type": kind} if kind else UNKNOWN


_PLAIN: dict[Any, frozenset[str]] = {
    str: frozenset({"string"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"integer", "number"}),
    bool: frozenset({"boolean"}),
    list: frozenset({"array"}),
    dict: frozenset({"object"}),
    NoneType: frozenset({"null"}),
}


def plain_types(annotation: Any) -> frozenset[str] | None:
    """The JSON types that an annotation of plain types means; None for all others."""
    if get_origin(annotation) in (Union, UnionType):
        parts = [plain_types(part) for part in get_args(annotation)]
        return None if None in parts else frozenset[str]().union(*(part for part in parts if part is not None))
    return _PLAIN.get(get_origin(annotation) or annotation)


def may_be_none(annotation: Any) -> bool:
    """Whether a value may be None, or may be anything."""
    if annotation in (Any, object, None, NoneType, inspect.Parameter.empty):
        return True
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)


def _key(name: str, field: Any) -> str:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), None)
    return alias if isinstance(alias, str) else name


def _definition(document: dict[str, Any], model: type[BaseModel], root: type[BaseModel]) -> dict[str, Any] | None:
    found = document.get("$defs", {}).get(model.__name__)
    if found is None and model is root:
        found = document
    return found if isinstance(found, dict) else None


def _models_in(annotation: Any, seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    if is_model(annotation):
        if annotation not in seen:
            seen.add(annotation)
            for field in annotation.model_fields.values():
                _models_in(field.annotation, seen)
    else:
        for part in get_args(annotation):
            _models_in(part, seen)
    return seen


def _sees_all_first(model: type[BaseModel]) -> bool:
    validators = model.__pydantic_decorators__.model_validators.values()
    return any(validator.info.mode in ("before", "wrap") for validator in validators)


def _sees_first(model: type[BaseModel], name: str) -> bool:
    if any(
        isinstance(each, BeforeValidator | WrapValidator | PlainValidator) for each in model.model_fields[name].metadata
    ):
        return True
    validators = model.__pydantic_decorators__.field_validators.values()
    return any(
        validator.info.mode in _CAN_CHANGE_ALL and ({name, "*"} & {*validator.info.fields}) for validator in validators
    )
