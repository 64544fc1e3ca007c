"""``tasker config``: show, validate, explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tasker_core.cli.output import AsJson, people, print_json
from tasker_core.errors import InvalidRequestError
from tasker_core.rules.spelling import did_you_mean

if TYPE_CHECKING:
    from tasker_core.settings.fields import Setting
    from tasker_core.settings.reading import Reading

app = typer.Typer(help="Look at the settings: what counts, from where, and what would be right.", no_args_is_help=True)


@app.command()
def show(
    changed: Annotated[bool, typer.Option("--changed", help="Only what isn't the default.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show every setting with its value, secrets hidden, and where it was set."""
    reading, answers = _read(), list[dict[str, Any]]()
    from tasker_core.settings.fields import all_settings

    for setting in all_settings():
        value, origin = _what_counts(reading, setting)
        if origin != "default" or not changed:
            answers.append({"setting": setting.name, "value": value, "from": origin})
    if as_json:
        print_json(answers)
    else:
        _say_remarks(reading)
        people.print(_table(answers))
    raise typer.Exit(1 if reading.errors else 0)


@app.command()
def validate(
    strict: Annotated[bool, typer.Option("--strict", help="Unknown keys are errors.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the settings of this place and environment. Exit code 0 when they can be used, 1 when they can't."""
    reading = _read(strict=strict)
    if as_json:
        print_json(
            {
                "valid": not reading.errors,
                "files": list(reading.files),
                "remarks": [
                    {"level": remark.level, "setting": remark.setting or None, "message": remark.sentence}
                    for remark in reading.remarks
                ],
            }
        )
    else:
        _say_remarks(reading, with_infos=True)
        read = ", ".join(reading.files) or "no file"
        verdict = "can't be used" if reading.errors else "ok"
        people.print(
            f"settings from the environment and {read}: {verdict}", markup=False, highlight=False, soft_wrap=True
        )
    raise typer.Exit(1 if reading.errors else 0)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="A setting, as worker.concurrency, or a variable.")],
    as_json: AsJson = False,
) -> None:
    """Explain a setting: what it means, what would be right, what it is here and who said so."""
    setting = _named(name)
    reading = _read()
    value, origin = _what_counts(reading, setting)
    from tasker_core.settings.telling import in_a_line, shown

    *table, key = setting.path
    answer: dict[str, Any] = {
        "setting": setting.name,
        "means": setting.means,
        "value": value,
        "from": origin,
        "right": setting.right,
        "default": shown(setting, setting.default),
        "variables": list(setting.variables),
        "said": [{"from": str(place), "value": _said(setting, said)} for place, said in reading.origins(setting)],
    }
    if as_json:
        print_json(answer)
        return
    _say_remarks(reading)
    lines = [
        f"{setting.name} = {in_a_line(value)}   from: {origin}",
        f"  {setting.means}",
        f"  right: {setting.right}",
        f"  default: {in_a_line(answer['default'])}",
        f"  in tasker.toml: {key}" + (f" in [{'.'.join(table)}]" if table else ""),
    ]
    if setting.variables:
        lines.append(f"  in the environment: {', else '.join(setting.variables)}")
    lines += [f"  passed over: {in_a_line(said['value'])}   from: {said['from']}" for said in answer["said"][1:]]
    people.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _read(*, strict: bool = False) -> Reading:
    from tasker_core.settings.reading import read_settings

    return read_settings(strict=strict)


def _what_counts(reading: Reading, setting: Setting) -> tuple[Any, str]:
    """A setting's value, and where it comes from. Where the settings can't be used, the value is what was said."""
    from tasker_core.settings.telling import shown

    said = reading.origins(setting)
    if reading.settings is not None:
        return shown(setting, setting.value(reading.settings)), str(said[0][0]) if said else "default"
    return (_said(setting, said[0][1]), str(said[0][0])) if said else (shown(setting, setting.default), "default")


def _said(setting: Setting, value: Any) -> Any:
    """What was said as it was said; of a list of tables that may be anything, only its length."""
    from tasker_core.settings.fields import TABLES
    from tasker_core.settings.telling import shown

    return f"{len(value)} entries" if setting.name in TABLES and isinstance(value, list) else shown(setting, value)


def _named(name: str) -> Setting:
    from tasker_core.settings.fields import all_settings

    for setting in all_settings():
        if name == setting.name or name in setting.variables:
            return setting
    known = [word for setting in all_settings() for word in (setting.name, *setting.variables)]
    raise InvalidRequestError(f"there is no setting {name!r}{did_you_mean(name, known)}", field="name")


def _say_remarks(reading: Reading, *, with_infos: bool = False) -> None:
    for remark in reading.remarks:
        if remark.level != "info" or with_infos:
            people.print(str(remark), markup=False, highlight=False, soft_wrap=True)


def _table(answers: list[dict[str, Any]]) -> Table:
    from tasker_core.settings.telling import in_a_line

    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("setting", "value", "from"):
        table.add_column(column, overflow="fold")
    for answer in answers:
        style = "" if answer["from"] == "default" else "bold"
        table.add_row(
            Text(answer["setting"], style), Text(in_a_line(answer["value"]), style), Text(answer["from"], "dim")
        )
    return table
