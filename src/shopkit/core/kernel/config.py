"""The process's configuration: one frozen Struct, read from the environment once, by `bootstrap` and the commands."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from shopkit.sdk.errors import ConfigFault

PREFIX = "SHOPKIT_"

Positive = Annotated[int, Meta(ge=1)]
PerMinute = Annotated[int, Meta(ge=1, le=10_000_000)]


class Config(Struct, frozen=True, kw_only=True):
    """Every field is the environment variable `SHOPKIT_<FIELD IN CAPITALS>`."""

    data_dir: str = ""
    """Where the embedded database, media and the master key live. Empty: `~/.local/share/shopkit`."""
    database_url: str = ""
    """PostgreSQL as the app role (owns nothing). Empty: the embedded server in `data_dir`."""
    database_owner_url: str = ""
    """PostgreSQL as the owner role; used by `migrate` and `db roles` only."""
    database_pool_size: Positive = 10
    """Connections of one process."""
    host: str = "127.0.0.1"
    """The address that `serve` listens on."""
    port: Annotated[int, Meta(ge=1, le=65_535)] = 8000
    """The port that `serve` listens on."""
    public_url: str = ""
    """The shop's address as customers type it, for links in mail. Empty: `http://host:port`."""
    trusted_proxies: str = ""
    """Networks, separated by commas, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Empty: nobody's."""
    master_key: str = ""
    """The key ring as text (`id:base64`, the first seals, all open). Empty: the file `master.key` in `data_dir`."""
    smtp_url: str = ""
    """`smtp://user:password@host:port` (`smtps://` for TLS from the start). Empty: mail is printed on the console."""
    mail_from: str = "shop@localhost"
    """The sender of order mail."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level that is logged."""
    log_format: Literal["json", "console"] = "json"
    """One JSON object a line, or lines for people."""
    carts_per_minute: PerMinute = 60
    """Carts that one address may create in a minute, per process."""
    checkouts_per_minute: PerMinute = 30
    """Orders that one address may try to place in a minute, per process."""
    lookups_per_minute: PerMinute = 60
    """Orders that one address may look up in a minute, per process."""
    body_max_bytes: Positive = 1_048_576
    """The largest request body."""
    page_cache_bytes: Annotated[int, Meta(ge=0)] = 33_554_432
    """Memory for answers of public pages (lists, products, categories), per process. 0: none are kept."""
    worker_poll_seconds: Annotated[float, Meta(gt=0, le=60)] = 1.0
    """How long the worker sleeps when nobody wakes it."""

    @property
    def data_path(self) -> Path:
        """`data_dir` as an absolute path."""
        if self.data_dir:
            return Path(self.data_dir).expanduser().absolute()
        return Path("~/.local/share/shopkit").expanduser().absolute()

    @property
    def key_path(self) -> Path:
        """The master key's file; unused when `master_key` is set."""
        return self.data_path / "master.key"

    @property
    def media_path(self) -> Path:
        """The folder of uploaded and generated media."""
        return self.data_path / "media"

    @property
    def base_url(self) -> str:
        """The public address without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def is_embedded(self) -> bool:
        """Whether the shop brings its own PostgreSQL."""
        return not self.database_url


def read_config(environ: Mapping[str, str]) -> Config:
    """Read and check the environment. Raises `ConfigFault` with every wrong variable named."""
    known = {PREFIX + name.upper(): name for name in Config.__struct_fields__}
    faults = [
        f"{name} is not a setting of ShopKit" for name in environ if name.startswith(PREFIX) and name not in known
    ]
    values: dict[str, Any] = {}
    for variable, name in known.items():
        if variable in environ:
            try:
                values[name] = _convert(name, environ[variable])
            except (msgspec.ValidationError, ValueError) as error:
                faults.append(f"{variable}: {error}")
    if not faults:
        config = Config(**values)
        faults = _inconsistent(config)
    if faults:
        raise ConfigFault("; ".join(faults))
    return config


def _convert(name: str, text: str) -> object:
    field_type = next(f.type for f in msgspec.structs.fields(Config) if f.name == name)
    return msgspec.convert(text.strip(), field_type, strict=False)


def _inconsistent(config: Config) -> list[str]:
    faults = []
    if config.public_url and urlsplit(config.public_url).scheme not in {"http", "https"}:
        faults.append("SHOPKIT_PUBLIC_URL must begin with http:// or https://")
    for name in ("database_url", "database_owner_url"):
        url = getattr(config, name)
        if url and urlsplit(url).scheme not in {"postgres", "postgresql"}:
            faults.append(f"{PREFIX}{name.upper()} must begin with postgresql://")
    if config.smtp_url and urlsplit(config.smtp_url).scheme not in {"smtp", "smtps"}:
        faults.append("SHOPKIT_SMTP_URL must begin with smtp:// or smtps://")
    try:
        trusted_networks(config)
    except ValueError as error:
        faults.append(f"SHOPKIT_TRUSTED_PROXIES: {error}")
    return faults


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def trusted_networks(config: Config) -> tuple[Network, ...]:
    """The networks whose forwarding headers count."""
    return tuple(ipaddress.ip_network(part.strip()) for part in config.trusted_proxies.split(",") if part.strip())
