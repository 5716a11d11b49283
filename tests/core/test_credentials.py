"""What looks like a password or a key is told, and what does not is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nbsubmit.core.credentials import find

SECRET = "hunter2!"

FOUND: dict[str, Any] = {
    "password": SECRET,
    "API_KEY": SECRET,
    "db_passwd": SECRET,
    "token2": SECRET,
    "text": "AKIA" + "ABCDEFGHIJKLMNOP",
    "url": "postgresql://me:hunter2@db.example.org/data",
    "key": "-----BEGIN RSA PRIVATE KEY-----\nabc",
    "login": b"ghp_" + b"a" * 36,
}


@pytest.mark.parametrize("name", FOUND)
def test_a_credential_is_found_by_its_name_or_its_form(name: str) -> None:
    assert find({name: FOUND[name], "other": 1}) == [name]


def test_the_path_into_an_object_is_told() -> None:
    config = {"host": "db", "password": SECRET}
    client = SimpleNamespace(name="x", api_key=SECRET)
    assert find({"config": config, "client": client}) == ["config['password']", "client.api_key"]


INNOCENT: dict[str, Any] = {
    "tokens": ["a", "b"],
    "token": "",
    "token_count": 5,
    "tokenizer": "bert-base",
    "secretary": "Ms Miller",
    "password": None,
    "text": "the password is what the user types",
    "url": "https://example.org/a@b",
    "passage": "monkeys",
    "api_key_help": "see the manual of the service",
}


@pytest.mark.parametrize("name", INNOCENT)
def test_what_is_none_is_not_taken_for_one(name: str) -> None:
    assert find({name: INNOCENT[name]}) == []
