"""`shopkit settings`: what belongs to the shop, as opposed to the process."""

import pkgutil
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import msgspec
import rich_click as click

from shopkit import core
from shopkit.bootstrap import Shop
from shopkit.cli import options, printing, session
from shopkit.core.kernel.scope import Scope
from shopkit.core.settings import service
from shopkit.core.settings.service import DOMAINS
from shopkit.sdk.errors import NotFound
from shopkit.sdk.settings import Secret

for domain in pkgutil.iter_modules(core.__path__):
    # A domain's settings are known once their module is imported; here all of them are wanted.
    if find_spec(f"shopkit.core.{domain.name}.settings"):
        import_module(f"shopkit.core.{domain.name}.settings")


@click.group()
def settings() -> None:
    """Read and change a shop's settings; a change is seen everywhere within a second."""


@settings.command(name="list")
@options.staff
def list_(tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """Every setting and its value; secrets are not shown."""
    values = session.as_staff(data_dir, tenant, _all)
    _print(values, is_json)


@settings.command()
@click.argument("key")
@options.staff
def get(key: str, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """One setting (`cod.auto_confirm`), or all of a domain (`cod`)."""
    values = session.as_staff(data_dir, tenant, _all)
    found = {name: value for name, value in values.items() if name == key or name.startswith(f"{key}.")}
    if not found:
        raise NotFound(f"There is no setting {key}. `shopkit settings list` shows them all.")
    if key not in found:
        _print(found, is_json)
    elif is_json:
        printing.as_json(found[key])
    else:
        print(_text(found[key]))


@settings.command(name="set", context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value")
@options.staff
def set_(key: str, value: str, tenant: str | None, data_dir: str | None, is_json: bool) -> None:
    """Set a setting. The value is JSON (`true`, `900`, `["bn"]`); anything else is taken as text."""

    async def put(shop: Shop, scope: Scope) -> None:
        async with shop.uow(scope) as uow:
            await service.put(uow, {key: _value_of(key, value)})

    session.as_staff(data_dir, tenant, put)
    values = session.as_staff(data_dir, tenant, _all)
    if is_json:
        printing.as_json({key: values[key]})
    else:
        print(f"{key} is {_text(values[key])} now.")


def _value_of(key: str, text: str) -> Any:
    """JSON where it is any, but digits stay text for a setting that is text: `007` and `7` are different secrets."""
    domain, _, name = key.partition(".")
    hints = {field.name: field.type for field in msgspec.structs.fields(DOMAINS[domain])} if domain in DOMAINS else {}
    if _is_text(hints.get(name)):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _is_text(annotation: Any) -> bool:
    bare = getattr(annotation, "__origin__", annotation)
    return annotation in (str, Secret) or bare in (str, Secret)


async def _all(shop: Shop, scope: Scope) -> dict[str, Any]:
    values = {}
    async with shop.uow(scope) as uow:
        for domain, type_ in sorted(DOMAINS.items()):
            found = await service.get(uow, type_)
            for name in type_.__struct_fields__:
                value = getattr(found, name)
                values[f"{domain}.{name}"] = repr(value) if isinstance(value, Secret) else msgspec.to_builtins(value)
    return values


def _print(values: dict[str, Any], is_json: bool) -> None:
    if is_json:
        printing.as_json(values)
    else:
        printing.facts([(key, _text(value)) for key, value in values.items()])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
