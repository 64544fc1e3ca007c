"""Every setting there is, with its default: frozen values, given as parameters to those who need them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tasker_core.settings.kinds import (
    Format,
    KeptFor,
    Level,
    Paths,
    Seconds,
    Shares,
    Strictness,
    Texts,
    Whole,
)
from tasker_core.settings.sources import sources_of_this_reading

DEFAULT_URL = "sqlite:///tasker.db"
KIB = 1_024
REDACTED = ("token", "password", "secret", "authorization", "card")


def _setting(default: Any, means: str, *variables: str, **checks: Any) -> Any:
    """A setting: its default, what it means, and the variables that set it where convention doesn't name them."""
    return Field(default, description=means, json_schema_extra={"variables": list(variables)}, **checks)


class Section(BaseModel):
    """Settings that belong together: a table of ``tasker.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)


class DatabaseSettings(Section):
    """The store."""

    url: str = _setting(DEFAULT_URL, "the store's URL", "TASKER_DATABASE_URL", "DATABASE_URL", repr=False, min_length=1)
    schema_name: str = _setting(
        "tasker", "PostgreSQL: the schema of Tasker's tables", "TASKER_DATABASE_SCHEMA", alias="schema", min_length=1
    )
    pool: Whole = _setting(10, "PostgreSQL: connections at most, for each process", ge=1)
    listen_url: str | None = _setting(
        None,
        "PostgreSQL behind a pooler: a direct connection on which hints are heard",
        "TASKER_LISTEN_URL",
        repr=False,
    )

    wait_seconds: Seconds = _setting(
        60.0, "how long a worker or server that starts waits for a database that doesn't answer yet", ge=0
    )

    @property
    def store_url(self) -> str:
        """``url``, with the schema and the pool's size among its options where they were set and it names none."""
        parts = urlsplit(self.url)
        wishes = {"tasker_schema": ("schema_name", self.schema_name), "tasker_pool": ("pool", str(self.pool))}
        own = {
            option: value
            for option, (name, value) in wishes.items()
            if name in self.model_fields_set and option not in parse_qs(parts.query)
        }
        if not own or parts.scheme not in ("postgresql", "postgres"):
            return self.url
        return f"{self.url}{'&' if parts.query else '?'}{urlencode(own)}"


class WorkerSettings(Section):
    """A worker: what it runs, and how much of it."""

    url: str | None = _setting(
        None, "the server that the worker asks for steps; else the store itself", pattern="^https?://", repr=False
    )
    name: str | None = _setting(None, "the worker's name; else host and process id")
    handlers: Texts = _setting((), "packages that are imported for the handlers in them")
    template_path: Paths = _setting(
        (), "where templates are found; else `config/tasks` if it exists", "TASKER_TEMPLATE_PATH"
    )
    concurrency: Whole = _setting(10, "handlers that run at once", ge=1)
    namespaces: Texts = _setting((), "namespaces that are served; none named: all")
    weights: Shares = _setting({}, "shares of namespaces where several wait, 1 where silent")
    shutdown_timeout: Seconds = _setting(30.0, "seconds that a stop waits for what runs", ge=0)
    handler_timeout: Seconds | None = _setting(
        None, "seconds that an attempt may take where the template's step has no `timeout_seconds`", gt=0
    )
    metrics_host: str = _setting("127.0.0.1", "the address at which `/metrics` is answered", min_length=1)
    metrics_port: Whole | None = _setting(
        None, "the port at which `/metrics` is answered, 0 takes a free one; else nowhere", ge=0, le=65_535
    )
    lease_seconds: Seconds = _setting(
        10.0,
        "how long a silent worker is believed to live; the same for all workers of a store",
        "TASKER_LEASE_SECONDS",
        ge=3,
        le=3_600,
    )


class ApiKeySettings(Section):
    """An API key: who bears it may do what its permissions say."""

    hash: SecretStr = _setting(..., "the key's hash; the key itself is stored nowhere")
    permissions: Texts = _setting(..., "what the key permits, as `tasks:create` or `tasks:*`")
    description: str = _setting("", "whose key it is; written into the log when it is used")


class JwtSettings(Section):
    """Tokens that another service signs."""

    algorithms: Texts = _setting(("RS256",), "algorithms that are accepted: RS256, ES256, HS256")
    public_key: str | None = _setting(None, "the signer's public key, as PEM text")
    public_key_path: str | None = _setting(None, "a file with the signer's public key, as PEM text")
    secret: SecretStr | None = _setting(None, "the secret that HS256 shares with the signer")
    jwks_url: str | None = _setting(None, "where the signer publishes its keys; HTTPS")
    jwks_refresh: Seconds = _setting(3_600.0, "seconds after which published keys are fetched anew", ge=10)
    jwks_stale: Seconds = _setting(300.0, "seconds more that they serve while that fails", ge=0)
    jwks_private_addresses: bool = _setting(False, "whether the signer may be inside a private network")
    issuer: str = _setting("tasker-core", "who must have issued a token", min_length=1)
    audience: str = _setting("tasker-api", "for whom a token must have been issued", min_length=1)
    permissions_claim: str = _setting("permissions", "the claim that lists the permissions", min_length=1)
    leeway: Seconds = _setting(0.0, "seconds by which the signer's clock may differ", ge=0, le=300)


class AuthSettings(Section):
    """Who may ask the server for what. Without a key or tokens, only this machine may ask."""

    api_key_header: str = _setting("X-API-Key", "the header that bears an API key", min_length=1)
    api_keys: tuple[ApiKeySettings, ...] = _setting((), "API keys, each a table `[[server.auth.api_keys]]`")
    jwt: JwtSettings | None = _setting(None, "tokens, in the table `[server.auth.jwt]`")
    strict_validation: bool = _setting(True, "whether a token is refused that names a permission there isn't")
    log_unknown_permissions: bool = _setting(True, "whether such a permission is written into the log")
    unknown_per_second: Seconds = _setting(
        20.0,
        "requests that an address may send in a second without credentials that do; five times as many at once",
        gt=0,
    )


class ServerSettings(Section):
    """The server."""

    host: str = _setting("127.0.0.1", "the address to listen on", min_length=1)
    port: Whole = _setting(8080, "the port to listen on; 0 takes a free one", ge=0, le=65_535)
    request_timeout: Seconds = _setting(30.0, "seconds that a request may take", gt=0)
    longest_wait: Seconds = _setting(
        20.0,
        "seconds that a request with `wait_ms` waits at most, and no more than two thirds of `request_timeout`",
        gt=0,
    )
    shutdown_timeout: Seconds = _setting(30.0, "seconds that a stop waits for open requests", ge=0)
    drain: Seconds = _setting(0.0, "seconds for which `/health/ready` says no before a stop begins", ge=0)
    largest_body: ByteSize = _setting(ByteSize(1_088 * KIB), "the largest body of a request", ge=KIB)
    largest_batch: ByteSize = _setting(
        ByteSize(16_384 * KIB), "the largest body of a request that creates many tasks", ge=KIB
    )
    threads: Whole = _setting(8, "calls of the store that run at once, each with a connection", ge=1)
    backlog: Whole = _setting(1_000, "calls that may run or wait for a thread; more are answered 503", ge=1)
    event_streams: Whole = _setting(200, "streams of events that are open at once; more are answered 503", ge=1)
    webhooks_to_private_addresses: bool = _setting(
        False, "whether webhooks may be inside this network, and without encryption"
    )
    allowed_hosts: Texts = _setting(
        (), "without authentication, names that requests may be sent to besides this machine's own"
    )
    cors_origins: Texts = _setting((), "sites whose pages may ask this server, as `https://shop.example`")
    config_endpoint: bool = _setting(
        False, "whether `/config` shows the settings, secrets hidden, to who has `system:config_read`"
    )
    insecure: bool = _setting(False, "whether to listen beyond this machine without authentication")
    auth: AuthSettings = AuthSettings()


class ClientSettings(Section):
    """How a client finds its server; without a URL it opens the store itself."""

    url: str | None = _setting(None, "the server's URL", "TASKER_URL", pattern="^https?://", repr=False)
    api_key: SecretStr | None = _setting(None, "the API key", "TASKER_API_KEY")
    api_key_header: str = _setting("X-API-Key", "the header that bears it", "TASKER_API_KEY_HEADER", min_length=1)
    token: SecretStr | None = _setting(
        None, "a bearer token, sent instead of an API key", "TASKER_ORCHESTRATION_AUTH_TOKEN", "TASKER_AUTH_TOKEN"
    )
    jwt_private_key_path: str | None = _setting(
        None, "a private key, as PEM, with which the client signs its own tokens", "TASKER_JWT_PRIVATE_KEY_PATH"
    )
    timeout: Seconds = _setting(30.0, "seconds that a call may take", gt=0)
    connect_timeout: Seconds = _setting(5.0, "seconds that connecting may take", gt=0)
    retries: Whole = _setting(3, "times that a call is repeated which may be", ge=0, le=100)


class DlqSettings(Section):
    """Dead letters, and tasks that stand still. A template's ``lifecycle`` wins over what is said here."""

    enabled: bool = _setting(True, "whether dead letters are written by themselves")
    staleness_detection: bool = _setting(True, "whether tasks that stand still are looked for")
    detection_interval_seconds: Seconds = _setting(
        300.0, "how often a look at all unfinished tasks begins, in the process that sweeps", ge=1
    )
    batch_size: Whole = _setting(100, "stale tasks that are seen to in one slice of such a look", ge=1, le=1_000)
    dry_run: bool = _setting(False, "whether stale tasks are only counted and written into the log")
    waiting_for_dependencies_minutes: Whole = _setting(
        60, "for how long a task may have nothing to run", ge=1, le=525_600
    )
    waiting_for_retry_minutes: Whole = _setting(
        30, "for how long a task may wait for a retry, or as long as its template's own retries take", ge=1, le=525_600
    )
    steps_in_process_minutes: Whole = _setting(
        30, "for how long a task may wait for workers that nobody runs", ge=1, le=525_600
    )
    max_duration_minutes: Whole | None = _setting(
        None, "how old an unfinished task may become; else as old as it likes", ge=1, le=525_600
    )
    auto_transition_to_error: bool = _setting(True, "whether a stale task ends as `error`")
    auto_move_to_dlq: bool = _setting(True, "whether a stale task leaves a dead letter")


class BreakerSettings(Section):
    """Breakers: what becomes of a handler that fails again and again."""

    failures: Whole = _setting(
        0, "retryable failures of a handler in a row, over all workers, that open its breaker; 0: none opens", ge=0
    )
    open_seconds: Seconds = _setting(30.0, "how long a breaker stays open before it lets one step try", gt=0)


class OverloadSettings(Section):
    """When a server creates no more tasks for a while."""

    queue_depth: Whole = _setting(
        50_000, "steps that wait in the longest queue of a handler: 503, try again in 30 s; 0: never", ge=0
    )
    queue_overflow: Whole = _setting(100_000, "the same, try again in 60 s; 0: never", ge=0)


class RetentionSettings(Section):
    """What is dropped by itself."""

    tasks: KeptFor | None = _setting(None, "how long finished tasks are kept; else for ever", "TASKER_RETENTION")


class LoggingSettings(Section):
    """What the command logs, and how."""

    level: Level = _setting("WARNING", "the least that is logged", "TASKER_LOG_LEVEL", "LOG_LEVEL")
    format: Format = _setting("text", "lines for people, or JSON for programs", "TASKER_LOG_FORMAT")


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env: str = _setting(
        "development",
        "outside `development` a registered version isn't replaced by other content; whose `environments` of templates "
        "count",
        min_length=1,
    )
    schema_validation: Strictness = _setting(
        "warn", "`enforce` refuses contexts and results that don't fit their schemas, whatever the template says"
    )
    redact: Texts = _setting(
        REDACTED, "keys whose values in contexts and results are masked for who lacks `tasks:context_read`"
    )
    workspace_path: str | None = _setting(
        None,
        "a further place of `config/tasks`, only for `HandlerRegistry.instance()` outside a worker",
        "WORKSPACE_PATH",
    )
    database: DatabaseSettings = DatabaseSettings()
    worker: WorkerSettings = WorkerSettings()
    server: ServerSettings = ServerSettings()
    client: ClientSettings = ClientSettings()
    dlq: DlqSettings = DlqSettings()
    retention: RetentionSettings = RetentionSettings()
    breaker: BreakerSettings = BreakerSettings()
    overload: OverloadSettings = OverloadSettings()
    logging: LoggingSettings = LoggingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, *sources_of_this_reading(settings_cls)
