"""Configuration: read once, checked whole, every fault named."""

import re
from pathlib import Path

import pytest

import shopkit
from shopkit.core.kernel.config import PREFIX, Config, read_config, trusted_networks
from shopkit.sdk.errors import ConfigFault


def test_nothing_set_is_a_shop_on_this_machine() -> None:
    config = read_config({})
    assert config == Config()
    assert config.base_url == "http://127.0.0.1:8000"
    assert config.is_embedded
    assert config.data_path.is_absolute()
    assert config.key_path.parent == config.media_path.parent == config.data_path


def test_each_field_is_a_variable() -> None:
    config = read_config(
        {
            "SHOPKIT_PORT": " 9001 ",
            "SHOPKIT_HOST": "0.0.0.0",
            "SHOPKIT_PUBLIC_URL": "https://shop.example.com/",
            "SHOPKIT_WORKER_POLL_SECONDS": "0.5",
            "SHOPKIT_DATABASE_URL": "postgresql://app@db/shop",
            "SHOPKIT_LOG_LEVEL": "debug",
            "PATH": "/bin",
        }
    )
    assert (config.port, config.worker_poll_seconds, config.log_level) == (9001, 0.5, "debug")
    assert config.base_url == "https://shop.example.com"
    assert not config.is_embedded


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "8000.5"),
        ("DATABASE_POOL_SIZE", "0"),
        ("LOG_LEVEL", "loud"),
        ("WORKER_POLL_SECONDS", "0"),
        ("WORKER_POLL_SECONDS", "nan"),
        ("PUBLIC_URL", "shop.example.com"),
        ("PUBLIC_URL", "javascript:alert(1)"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_OWNER_URL", "x"),
        ("SMTP_URL", "mail.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("NO_SUCH_SETTING", "1"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigFault, match=f"{PREFIX}{name}"):
        read_config({f"{PREFIX}{name}": value})


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigFault) as fault:
        read_config({"SHOPKIT_PORT": "x", "SHOPKIT_LOG_FORMAT": "xml", "SHOPKIT_TYPO": "1"})
    for name in ("SHOPKIT_PORT", "SHOPKIT_LOG_FORMAT", "SHOPKIT_TYPO"):
        assert name in fault.value.text


def test_a_password_in_a_wrong_address_is_not_repeated() -> None:
    for name in ("DATABASE_URL", "SMTP_URL"):
        with pytest.raises(ConfigFault) as fault:
            read_config({f"{PREFIX}{name}": "ftp://user:geheim@host"})
        assert "geheim" not in str(fault.value)


def test_trusted_proxies_are_networks() -> None:
    networks = trusted_networks(Config(trusted_proxies="10.0.0.0/8, 127.0.0.1 ,::1"))
    assert [str(network) for network in networks] == ["10.0.0.0/8", "127.0.0.1/32", "::1/128"]
    assert trusted_networks(Config()) == ()


def test_nothing_else_reads_the_environment() -> None:
    root = Path(shopkit.__file__).parent
    readers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if re.search(r"os\.environ|os\.getenv|environb|from os import.*environ", path.read_text("utf-8"))
    }
    assert readers <= {"cli/session.py", "cli/prepare.py", "cli/__init__.py", "core/kernel/embedded.py"}
