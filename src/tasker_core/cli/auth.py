"""``tasker auth``: keys, tokens and permissions for a server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tasker_core.cli.output import AsJson, errors, people, print_json
from tasker_core.errors import InvalidRequestError

# The server's modules are imported by the commands that need them: they load libraries that no other command uses.

app = typer.Typer(help="Make keys and tokens for a server, and show what they may permit.", no_args_is_help=True)

HOUR = 3_600

Permissions = Annotated[
    list[str],
    typer.Option("--permission", "-p", help="A permission, as tasks:create or tasks:*; repeatable."),
]
Issuer = Annotated[str, typer.Option(help="The token's iss.")]
Audience = Annotated[str, typer.Option(help="The token's aud.")]
PrivateKey = Annotated[Path | None, typer.Option(help="A file with the signer's private key, as PEM.")]
PublicKey = Annotated[Path | None, typer.Option(help="A file with the signer's public key, as PEM.")]
SecretFile = Annotated[Path | None, typer.Option(help="A file with the secret of HS256.")]


@app.command("generate-api-key")
def generate_api_key(
    permission: Permissions,
    description: Annotated[str, typer.Option(help="Whose key it is.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an API key, and print it with the lines that make a server accept it.

    The key is printed once and stored nowhere; the configuration holds its hash alone.
    """
    from tasker_core.server.auth.keys import ApiKey, KeyRing, hash_key, new_key

    key = new_key()
    entry = ApiKey(hash=hash_key(key), permissions=tuple(permission), description=description)
    KeyRing([entry])
    if as_json:
        print_json({"key": key, "hash": entry.hash, "permissions": entry.permissions, "description": description})
        return
    typer.echo(f"{key}\n\n[[server.auth.api_keys]]\nhash = {json.dumps(entry.hash)}")
    typer.echo(f"permissions = {json.dumps(entry.permissions)}")
    if description:
        typer.echo(f"description = {json.dumps(description, ensure_ascii=False)}")


@app.command("hash-key")
def hash_key_command(as_json: AsJson = False) -> None:
    """Print the hash of an API key, which is read from standard input so that no list of processes shows it."""
    from tasker_core.server.auth.keys import hash_key

    hashed = hash_key(_read_hidden("API key"))
    print_json({"hash": hashed}) if as_json else typer.echo(hashed)


@app.command("generate-keys")
def generate_keys(
    directory: Annotated[Path, typer.Argument(help="Where to put private_key.pem and public_key.pem.")],
    algorithm: Annotated[str, typer.Option(help="RS256 or ES256.")] = "RS256",
    bits: Annotated[int, typer.Option(help="The size of a key for RS256.")] = 3_072,
    as_json: AsJson = False,
) -> None:
    """Make a pair of keys: the private one signs tokens, the public one is for the server. Overwrites nothing."""
    from tasker_core.server.auth.issuing import key_pair

    private, public = key_pair(algorithm, bits)
    files = {"private_key": directory / "private_key.pem", "public_key": directory / "public_key.pem"}
    _write_new(files["private_key"], private, 0o600)
    _write_new(files["public_key"], public, 0o644)
    if as_json:
        print_json(files)
        return
    for path in files.values():
        typer.echo(f"wrote {path}")


@app.command("show-permissions")
def show_permissions(as_json: AsJson = False) -> None:
    """List the permissions that there are."""
    from tasker_core.server.permissions import PERMISSIONS

    if as_json:
        print_json(dict(PERMISSIONS))
        return
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("permission", no_wrap=True)
    table.add_column("permits to")
    for permission, meaning in PERMISSIONS.items():
        table.add_row(permission, meaning)
    people.print(table)


@app.command("generate-token")
def generate_token(
    subject: Annotated[str, typer.Option("--subject", "-s", help="Who bears it: the token's sub.")],
    permission: Permissions,
    private_key: PrivateKey = None,
    secret_file: SecretFile = None,
    hours: Annotated[float, typer.Option(help="For how long it is valid.")] = 24.0,
    issuer: Issuer = "tasker-core",
    audience: Audience = "tasker-api",
    kid: Annotated[str | None, typer.Option(help="The name of the key, where the server knows several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a token and print it."""
    from tasker_core.server.auth.issuing import sign_token

    token = sign_token(
        permission,
        subject=subject,
        lifetime=hours * HOUR,
        private_key=_text(private_key),
        secret=_secret(secret_file),
        issuer=issuer,
        audience=audience,
        kid=kid,
    )
    print_json({"token": token}) if as_json else typer.echo(token)


@app.command("validate-token")
def validate_token(
    public_key: PublicKey = None,
    secret_file: SecretFile = None,
    jwks_url: Annotated[str | None, typer.Option(help="Where the signer publishes its keys.")] = None,
    issuer: Issuer = "tasker-core",
    audience: Audience = "tasker-api",
    as_json: AsJson = False,
) -> None:
    """Say whether a server would take a token, read from standard input. Exit code 0 if so, 1 if not."""
    from tasker_core.server.auth.failure import AuthFailure, KeysUnavailableError
    from tasker_core.server.auth.key_set import KeySet
    from tasker_core.server.auth.signers import OneSigner, Signers, shared_secret
    from tasker_core.server.auth.signers import public_key as read_public_key
    from tasker_core.server.auth.tokens import TokenRules, Tokens

    if sum(given is not None for given in (public_key, secret_file, jwks_url)) != 1:
        raise InvalidRequestError("give one of --public-key, --secret-file and --jwks-url")
    algorithms = ("RS256", "ES256") if secret_file is None else ("HS256",)
    signers: Signers
    if jwks_url is not None:
        signers = KeySet(jwks_url, algorithms)
    elif secret := _secret(secret_file):
        signers = OneSigner(shared_secret(secret))
    else:
        signers = OneSigner(read_public_key(_text(public_key) or "", str(public_key)))
    tokens = Tokens(signers, TokenRules(algorithms=algorithms, issuer=issuer, audience=audience))
    try:
        bearer = asyncio.run(tokens.read(_read_hidden("token")))
    except (AuthFailure, KeysUnavailableError) as failure:
        errors.print(f"[red]not valid:[/] {failure}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        print_json({"subject": bearer.name, "permissions": sorted(bearer.permissions)})
        return
    typer.echo(f"valid: {bearer.name} may {', '.join(sorted(bearer.permissions)) or 'do nothing'}")


def _read_hidden(what: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, err=True)).strip()
    return sys.stdin.read(64 * 1024).strip()


def _secret(file: Path | None) -> str | None:
    text = _text(file)
    return text.strip() if text is not None else None


def _text(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{file}: not UTF-8 text ({error.reason})") from None
    except OSError as error:
        raise InvalidRequestError(f"{file}: {error.strerror or error}") from None


def _write_new(path: Path, text: str, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise InvalidRequestError(f"{path} is there already; a key is never overwritten") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
