"""Opaque tokens are read by their exact shape; what isn't one is None, never an error."""

import pytest

from agentctl.identity import tokens

SECRET = "s" * 43
INSTANCE = f"it1.inst-01abc.{SECRET}"


def test_what_is_made_can_be_read_back() -> None:
    made = tokens.instance_token("inst-01abc", SECRET)
    assert made == INSTANCE
    assert tokens.parse_instance_token(made) == tokens.InstanceToken(instance="inst-01abc")
    operator = tokens.operator_token("op-01abc", SECRET)
    assert tokens.parse_operator_token(operator) == tokens.OperatorToken(id="op-01abc")
    model = tokens.model_token("task-01abc", 7, "inst-01abc", SECRET)
    assert tokens.parse_model_token(model) == tokens.ModelToken(
        task="task-01abc", attempt=7, instance="inst-01abc", sealed=SECRET
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{INSTANCE}\n",
        f" {INSTANCE}",
        INSTANCE.replace("it1", "it2"),
        INSTANCE.replace("it1", "op1"),
        INSTANCE[:-1],
        f"{INSTANCE}s",
        f"it1.inst-01abc.{'s' * 42}=",
        f"it1.inst-01ABC.{SECRET}",
        f"it1.inst/../x.{SECRET}",
        f"it1..{SECRET}",
        f"it1.{'i' * 65}.{SECRET}",
        f"it1.inst-01abc.{SECRET[:-1]}\x00",
        "\ud800",
    ],
)
def test_what_is_not_exactly_an_instance_token_is_none(text: str) -> None:
    assert tokens.parse_instance_token(text) is None


@pytest.mark.parametrize("attempt", ["0", "01", "-1", "1e3", "", "1234567", "١"])
def test_an_attempt_is_a_plain_number_from_one(attempt: str) -> None:
    assert tokens.parse_model_token(f"mt1.task-01abc.{attempt}.inst-01abc.{SECRET}") is None


def test_a_token_that_could_not_be_read_back_is_never_made() -> None:
    with pytest.raises(ValueError, match="could not be read back"):
        tokens.instance_token("inst-01abc", "short")


def test_the_digest_is_the_sha256_of_the_text() -> None:
    assert tokens.digest("abc").startswith("ba7816bf8f01cfea")
    assert tokens.digest("\ud800") != tokens.digest("")
