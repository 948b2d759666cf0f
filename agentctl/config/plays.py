"""Plays to agents: which hosts, which variables, which items of a loop, which conditions hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentctl.config import compile as compiled
from agentctl.config.declaration import Field, fields_of, is_plain, name_finding, tag_words
from agentctl.config.document import Document
from agentctl.config.expansion import Expansion, TooLarge
from agentctl.config.files import Files
from agentctl.config.finding import Path, Subject, dotted, shown
from agentctl.config.host_scope import host_scope
from agentctl.config.inventory import Inventory, variables
from agentctl.config.own_variables import OwnVariables, looped, reserved
from agentctl.config.pattern import WrongPattern, select, terms_of
from agentctl.config.place import Place
from agentctl.config.scope import Failed, Ledger, Scope, Variable
from agentctl.config.selection import Selection
from agentctl.config.values import normalised
from agentctl.config.vars_files import play_files
from agentctl.model.fleet import AgentSpec

_OF_THE_PLAY = ("hosts", "vars", "agent_defaults", "vars_files", "when", "tags", "prune")


@dataclass(slots=True)
class Agents:
    """What the plays declare: specs, where each stands, and whether some declaration is unusable."""

    specs: list[AgentSpec] = field(default_factory=list)
    places: dict[Subject, Place] = field(default_factory=dict)
    hosts: dict[str, tuple[Document, Path]] = field(
        default_factory=dict
    )  # targeted, and by which play
    pruned: set[str] = field(default_factory=set)  # hosts of plays that say `prune: true`
    complete: bool = True
    partial: bool = False


class Plays:
    """Expands the plays of one project. Holds what all of them share."""

    def __init__(
        self,
        *,
        files: Files,
        inventory: Inventory,
        inventory_sound: bool,
        extra: Mapping[str, Variable],
        selection: Selection,
        ledger: Ledger,
    ) -> None:
        self.files = files
        self.inventory = inventory
        self.inventory_sound = inventory_sound  # else a host may be unknown for that alone
        self.extra = extra
        self.selection = selection
        self.ledger = ledger
        self.agents = Agents()
        self._expansion = Expansion()
        self._full = False  # the plays unfold too far: nothing more is looked at
        self._selected: dict[str, tuple[str, ...]] = {}  # by pattern, as written
        self._declared: dict[str, tuple[str, Path, int]] = {}  # by name: file, path, loop item
        self._prototypes: dict[str, AgentSpec] = {}

    def add(self, document: Document) -> None:
        """Take in the plays of one playbook."""
        plays = document.value if isinstance(document.value, list) else ()
        self.agents.complete &= isinstance(document.value, list)
        for index, play in enumerate(plays):
            if self._full:
                return
            path = (index,)
            broken = [key for key in _OF_THE_PLAY if not self.files.sound(document, (*path, key))]
            a_list = self.files.sound(document, (*path, "agents"), only_here=True)
            if broken or not a_list or not self.files.sound(document, path, only_here=True):
                self.agents.complete = False
                continue
            if not play.keys() >= {"hosts", "agents"}:  # only keys that are refused
                self.agents.complete = False
                continue
            try:
                self._play(document, path, play)
            except TooLarge as error:
                at = (*path, "agents")
                self.ledger.findings.append(
                    document.finding("too-large", str(error), at, suggestion=error.suggestion)
                )
                self._full = True
                self.agents.complete = False

    def _play(self, document: Document, path: Path, play: Mapping[str, Any]) -> None:
        hosts = self._hosts(document, path, play["hosts"])
        for host in hosts:
            self.agents.hosts.setdefault(host, (document, (*path, "hosts")))
        self.agents.pruned.update(hosts if play.get("prune") is True else ())
        shared = {
            **variables(document, (*path, "vars"), play.get("vars")),
            **play_files(self.files, document, play.get("vars_files", ()), (*path, "vars_files")),
        }
        scopes: dict[str, Scope] = {}
        reserved(document, (*path, "vars"), play.get("vars", {}), self.ledger)

        def scope(host: str) -> Scope:
            if host not in scopes:
                scopes[host] = host_scope(self.inventory, host, shared, self.extra, self.ledger)
            return scopes[host]

        for index, agent in enumerate(play["agents"]):
            at = (*path, "agents", index)
            if (
                not self.files.sound(document, at) or "name" not in agent
            ):  # only keys that are refused
                self.agents.complete = False
                continue
            self._agent(document, path, at, play, agent, hosts, scope)

    def _hosts(
        self, document: Document, path: Path, pattern: str | Sequence[str]
    ) -> tuple[str, ...]:
        at = (*path, "hosts")
        try:
            hosts = self._matched(pattern)
        except WrongPattern as error:
            self.agents.complete = False
            if self.inventory_sound:
                self.ledger.findings.append(
                    document.finding(
                        error.rule,
                        str(error),
                        at,
                        expected=error.expected,
                        found=error.term,
                        suggestion=error.suggestion,
                    )
                )
            return ()
        if not hosts and self.inventory_sound:
            self.ledger.findings.append(
                document.finding(
                    "no-hosts",
                    f"no host matches {shown(pattern)}, so nothing of this play would run",
                    at,
                    suggestion="add hosts to the group in inventory.yaml, or change the pattern",
                )
            )
            self.agents.complete = False
        limited = self.selection.hosts(hosts)
        self.agents.partial |= len(limited) != len(hosts)
        return limited

    def _matched(self, pattern: str | Sequence[str]) -> tuple[str, ...]:
        """Return the hosts of a pattern. Raises WrongPattern, and TooLarge."""
        known = repr(pattern)
        if known not in self._selected:
            hosts = tuple(self.inventory.hosts)
            self._expansion.pattern(len(terms_of(pattern)), len(hosts))
            self._selected[known] = select(pattern, hosts=hosts, groups=self.inventory.members)
        return self._selected[known]

    def _agent(
        self,
        document: Document,
        play_path: Path,
        path: Path,
        play: Mapping[str, Any],
        agent: Mapping[str, Any],
        hosts: Sequence[str],
        scope: Any,
    ) -> None:
        tags = (*tag_words(play.get("tags")), *tag_words(agent.get("tags")))
        if not self.selection.tagged(tags):
            self.agents.partial = True
            return
        fields = fields_of(play_path, path, play, agent)
        plain = is_plain(agent, fields, play)
        own = OwnVariables(document, path, agent)
        for host in hosts:
            try:
                if plain:
                    self._expansion.place()
                    self._declare(document, path, agent["name"], host, fields, tags, 0)
                    continue
                around = own.over(scope(host))
                for item, inner in looped(document, path, agent, around):
                    self._expansion.place()
                    if not self._holds(document, play_path, path, play, agent, inner):
                        continue
                    name = inner.render(agent["name"], document, (*path, "name"))
                    rendered = {
                        key: Field(inner.render(each.raw, document, each.path), each.path)
                        for key, each in fields.items()
                    }
                    self._declare(document, path, name, host, rendered, tags, item)
                    own.rendered(around)
            except Failed:
                self.agents.complete = False
        own.judge(self.ledger, plain=plain)

    def _holds(
        self,
        document: Document,
        play_path: Path,
        path: Path,
        play: Mapping[str, Any],
        agent: Mapping[str, Any],
        scope: Scope,
    ) -> bool:
        if not scope.holds(play.get("when", True), document, (*play_path, "when")):
            return False
        here = "when" in agent
        when = agent["when"] if here else play.get("agent_defaults", {}).get("when", True)
        return scope.holds(
            when, document, (*(path if here else (*play_path, "agent_defaults")), "when")
        )

    def _declare(
        self,
        document: Document,
        path: Path,
        name: Any,
        host: str,
        fields: Mapping[str, Field],
        tags: Sequence[str],
        item: int,
    ) -> None:
        """Check one agent's values and add it; findings otherwise."""
        if not self._named(document, path, name, item):
            return
        values = {key: each.raw for key, each in fields.items()}
        values["tags"] = list(tags)
        key = repr(values)
        prototype = self._prototypes.get(key)
        if prototype is None:
            checked, wrong = normalised("agent", values)
            for each in wrong:
                top = str(each.path[0]) if each.path else ""
                at = fields[top].path + each.path[1:] if top in fields else (*path, "name")
                self.ledger.findings.append(
                    document.finding(
                        each.rule,
                        each.message,
                        at,
                        expected=each.expected,
                        found=each.found,
                        suggestion=each.suggestion,
                    )
                )
            if wrong:
                self.agents.complete = False
                return
            prototype = self._prototypes[key] = compiled.agent(checked)
        self.agents.specs.append(compiled.placed(prototype, name=name, host=host))
        self.agents.places[("agent", name, host)] = Place(
            document, path, {field: each.path for field, each in fields.items()}
        )

    def _named(self, document: Document, path: Path, name: Any, item: int) -> bool:
        """Whether a name is well formed and nobody else's: one declaration is one agent."""
        at = (*path, "name")
        wrong = name_finding(document, at, name)
        mine = (document.file, path, item)
        first = self._declared.setdefault(name, mine) if wrong is None else mine
        if wrong is None and first != mine:
            again = (
                "the loop gives two agents the same name"
                if first[:2] == mine[:2]
                else f"already in {first[0]}, {dotted(first[1])}"
            )
            wrong = document.finding(
                "duplicate-agent",
                f"the agent {name!r} is declared twice: {again}",
                at,
                found=name,
                suggestion="put the loop's item into the name"
                if first[:2] == mine[:2]
                else "rename one of them: names are unique in a fleet",
            )
        if wrong is not None:
            self.ledger.findings.append(wrong)
            self.agents.complete = False
        return wrong is None
