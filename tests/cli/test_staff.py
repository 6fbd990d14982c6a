import json
from pathlib import Path
from typing import Any

import pytest

API = "/api/store/v1"
PERSON = {"name": "Rahima Khatun", "phone": "01712345678"}
ADDRESS = {**PERSON, "country_code": "BD", "admin1": "Dhaka", "admin2": "Dhaka", "line1": "House 5, Road 3"}
SKU = "BOO-ABO"


def buy(selling: Any, shopkit: Any, quantity: int = 2) -> str:
    """Order over HTTP; the order's number."""
    level = shopkit("stock", "show", SKU, "--json").data["levels"][0]
    body = {
        "items": [{"variant_id": level["variant_id"], "quantity": quantity}],
        "contact": PERSON,
        "shipping_address": ADDRESS,
        "payment_method": "cod",
    }
    return str(selling.post(f"{API}/quick-orders", body)["order"]["number"])


def stock_of(shopkit: Any) -> tuple[int, int]:
    levels = shopkit("stock", "show", SKU, "--json").data["levels"]
    return sum(level["stock"] for level in levels), sum(level["reserved"] for level in levels)


def test_staff_bring_an_order_to_its_end_by_command(selling, shopkit) -> None:
    stock, reserved = stock_of(shopkit)
    number = buy(selling, shopkit)
    assert stock_of(shopkit) == (stock, reserved + 2)
    assert number in [row["number"] for row in shopkit("order", "list", "--json").data]

    for step, status in [("confirm", "confirmed"), ("hand-over", "processing"), ("deliver", "processing")]:
        assert shopkit("order", step, number, "--json").data["status"] == status
    assert stock_of(shopkit) == (stock - 2, reserved)
    done = shopkit("order", "collect", number, "--json").data
    assert (done["status"], done["payment_status"], done["fulfillment_status"]) == ("completed", "paid", "delivered")
    assert {step["actor_type"] for step in done["history"]} == {"customer", "staff"}

    shown = shopkit("order", "show", number)
    assert shown.code == 0
    for text in (number, "completed", "Rahima Khatun", "Abol Tabol"):
        assert text in shown.out


def test_a_cancelled_order_frees_its_stock(selling, shopkit) -> None:
    before = stock_of(shopkit)
    number = buy(selling, shopkit)
    assert shopkit("order", "cancel", number, "--reason", "no answer").code == 0
    assert stock_of(shopkit) == before


def test_a_step_that_does_not_fit_is_refused_in_one_sentence(selling, shopkit) -> None:
    number = buy(selling, shopkit)
    refused = shopkit("order", "deliver", number)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("Error: ")
    unknown = shopkit("order", "show", "no-such-number", "--json")
    assert (unknown.code, unknown.out) == (1, "")


def test_stock_is_received_and_corrected(shopkit) -> None:
    sku = "BOO-LET"
    level = shopkit("stock", "show", sku, "--json").data["levels"][0]["stock"]
    assert shopkit("stock", "receive", sku, "5", "--json").data["stock"] == level + 5
    assert shopkit("stock", "adjust", sku, "-2", "--reason", "broken", "--json").data["stock"] == level + 3
    assert shopkit("stock", "adjust", sku, "--to", "7", "--reason", "counted", "--json").data["stock"] == 7
    ledger = shopkit("stock", "show", sku, "--json").data["ledger"]
    assert [row["reason"] for row in ledger[:2]] == ["counted", "broken"]
    for words in (["adjust", sku, "-8", "--reason", "x"], ["receive", "NO-SUCH-SKU", "1"]):
        assert shopkit("stock", *words).code == 1
    for words in (["adjust", sku, "--reason", "x"], ["adjust", sku, "1"], ["receive", sku, "0"], ["receive", sku, "x"]):
        assert shopkit("stock", *words).code == 2


def test_products_are_listed_and_shown(shopkit) -> None:
    listed = shopkit("product", "list", "--json").data
    assert len(listed) == 24
    found = shopkit("product", "list", "abol", "--json").data
    assert [row["slug"] for row in found] == ["abol-tabol"]
    shown = shopkit("product", "show", "abol-tabol", "--json").data
    assert shown["variants"][0]["price"] == 24_000
    assert "৳240.00" in shopkit("product", "show", "abol-tabol").out
    assert shopkit("product", "show", "no-such-thing").code == 1


def test_a_file_is_loaded_twice_and_the_second_time_changes_nothing(shopkit, tmp_path: Path) -> None:
    file = tmp_path / "brands.json"
    file.write_text(json.dumps({"version": 1, "brands": [{"slug": "by-command", "name": "By Command"}]}))
    assert shopkit("load", str(file), "--json").data["created"] == {"brands": 1}
    again = shopkit("load", str(file))
    assert again.code == 0
    assert "nothing was changed" in again.out


def test_a_wrong_file_changes_nothing_and_every_mistake_has_its_place(shopkit, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(
        json.dumps({"version": 1, "brands": [{"slug": "never-made", "name": "Never"}, {"slug": 7}], "colour": 1})
    )
    wrong = shopkit("load", str(file))
    assert (wrong.code, wrong.out) == (1, "")
    assert "nothing was changed" in wrong.err
    assert "  /brands/1" in wrong.err
    file.write_text("{")
    assert shopkit("load", str(file)).code == 1
    assert shopkit("load", str(tmp_path / "missing.json")).code == 2


def test_settings_are_read_changed_and_refused(shopkit) -> None:
    assert shopkit("settings", "get", "cod.auto_confirm", "--json").data is False
    assert shopkit("settings", "set", "cod.auto_confirm", "true").code == 0
    assert shopkit("settings", "list", "--json").data["cod.auto_confirm"] is True
    assert shopkit("settings", "set", "cod.auto_confirm", "false").code == 0
    for key, value in (("cod.auto_confirm", "perhaps"), ("cod.nothing", "1"), ("nothing.at_all", "1")):
        refused = shopkit("settings", "set", key, value)
        assert refused.code == 1
        assert f"/{key}: " in refused.err


def test_no_work_was_given_up_and_an_unknown_letter_is_refused(shopkit) -> None:
    assert shopkit("worker", "dead", "--json").data == []
    assert shopkit("worker", "revive", "01a1fcc1-b12a-72ad-ae7a-e1e6675e9101").code == 1


@pytest.mark.parametrize("words", [["order", "list"], ["check", "--json"], ["tenant", "list"], ["migrate"]])
def test_wrong_configuration_is_named(inside, folder: Path, words: list[str]) -> None:
    done = inside(*words, data_dir=folder, SHOPKIT_PORT="many", SHOPKIT_PROT="8000")
    said = done.err + done.out
    assert "SHOPKIT_PORT" in said
    assert "SHOPKIT_PROT is not a setting" in said
    assert done.code == (1 if words[0] == "check" else 2)


def test_a_folder_without_a_shop_is_said_and_left_alone(inside, folder: Path) -> None:
    done = inside("order", "list", data_dir=folder)
    assert done.code == 2
    assert "There is no shop in" in done.err
    assert list(folder.iterdir()) == []


def test_help_and_version_need_nothing(run) -> None:
    helped = run("--help")
    assert helped.code == 0
    for name in ("demo", "serve", "worker", "migrate", "check", "db", "tenant", "settings", "load", "order", "stock"):
        assert name in helped.out
    assert run("--version").code == 0
    assert run("order", "hand-over", "--help").code == 0
    assert run("nonsense").code == 2
