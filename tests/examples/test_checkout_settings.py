"""The shop's environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.checkout.settings import Settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE", "GATEWAY_URL", "GATEWAY_TIMEOUT", "SMTP"):
        monkeypatch.delenv(f"SHOP_{name}", raising=False)


def test_all_on_this_machine_unless_told_otherwise() -> None:
    assert Settings.from_environment() == Settings()


def test_each_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE", "/srv/shop.db")
    monkeypatch.setenv("SHOP_GATEWAY_URL", "https://pay.example")
    monkeypatch.setenv("SHOP_GATEWAY_TIMEOUT", "0.5")
    monkeypatch.setenv("SHOP_SMTP", "mail.example:25")
    assert Settings.from_environment() == Settings(Path("/srv/shop.db"), "https://pay.example", 0.5, "mail.example", 25)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SHOP_SMTP", "mail.example", "SHOP_SMTP is 'mail.example'; write host:port"),
        ("SHOP_SMTP", ":25", "write host:port"),
        ("SHOP_GATEWAY_TIMEOUT", "soon", "SHOP_GATEWAY_TIMEOUT is 'soon'; write a number of seconds above 0"),
        ("SHOP_GATEWAY_TIMEOUT", "0", "above 0"),
        ("SHOP_GATEWAY_TIMEOUT", "inf", "above 0"),
        ("SHOP_GATEWAY_TIMEOUT", "nan", "above 0"),
    ],
)
def test_what_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        Settings.from_environment()
