"""The whole environment of a task's program: built from nothing, so nothing of agentd's leaks into it."""

from agentd.assignment import Assignment
from agentd.executors.executor import Place

# The CLI retries for minutes by default; a failed attempt is the hub's to give out again.
_RETRIES = "4"
_API_TIMEOUT_MS = "600000"  # a local model may take minutes to read a long prompt


def base(place: Place) -> dict[str, str]:
    """Return what every program gets: PATH, HOME and a UTF-8 locale."""
    return {"PATH": place.path, "HOME": str(place.workspace), "LANG": "C.UTF-8"}


def model(place: Place, job: Assignment) -> dict[str, str]:
    """Return where the model is and the task's own token for it: the only credential in here."""
    name = place.provider.model
    return {
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{place.llm_port}/{place.provider.name}",
        "ANTHROPIC_AUTH_TOKEN": job.model_token,
        "ANTHROPIC_MODEL": name,
        "ANTHROPIC_DEFAULT_OPUS_MODEL": name,
        "ANTHROPIC_DEFAULT_SONNET_MODEL": name,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": name,
    }


def egress(place: Place, job: Assignment) -> dict[str, str]:
    """Return the way to the declared destinations, with the task's own token; nothing without egress.

    The model is reached past it. Names stand in both cases: curl reads one, others the other.
    """
    if place.egress_port is None:
        return {}
    proxy = f"http://task:{job.model_token}@127.0.0.1:{place.egress_port}"
    given = {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost"}
    return given | {name.lower(): value for name, value in given.items()}


def claude_code(place: Place) -> dict[str, str]:
    """Return the CLI's own settings: its directory, and no traffic but the model's."""
    settings = {
        "CLAUDE_CONFIG_DIR": str(place.workspace / ".claude"),
        "CLAUDE_CODE_MAX_RETRIES": _RETRIES,
        "API_TIMEOUT_MS": _API_TIMEOUT_MS,
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    if place.provider.kind != "anthropic":
        # The header changes with each call and empties a local server's prompt cache.
        settings["CLAUDE_CODE_ATTRIBUTION_HEADER"] = "0"
    return settings
