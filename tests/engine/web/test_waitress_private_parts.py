"""What our servers use of waitress beyond its documented interface, pinned: a new version is a decision."""

import inspect
from importlib.metadata import version

from waitress import channel, parser, server, task, wasyncore


def test_the_version_is_the_one_whose_insides_were_read() -> None:
    assert version("waitress") == "3.0.2"


def names(function: object) -> set[str]:
    return set(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_servers_take_a_bound_socket_and_say_when_they_maintain() -> None:
    wanted = {"application", "map", "_start", "_sock", "dispatcher", "adj", "sockinfo"}
    assert wanted <= names(server.UnixWSGIServer.__init__)
    assert wanted | {"bind_socket"} <= names(server.BaseWSGIServer.__init__)
    source = inspect.getsource(server.BaseWSGIServer)
    assert "self.maintenance(now)" in source
    assert "len(self._map) >= self.adj.connection_limit" in source


def test_channels_have_the_classes_and_hooks_that_ours_replace() -> None:
    assert channel.HTTPChannel.task_class is task.WSGITask
    assert channel.HTTPChannel.error_task_class is task.ErrorTask
    assert channel.HTTPChannel.parser_class is parser.HTTPRequestParser
    assert names(channel.HTTPChannel.del_channel) == {"self", "map"}
    init = inspect.getsource(channel.HTTPChannel.__init__)
    for attribute in ("self.requests", "self.server = server", "self.adj = adj"):
        assert attribute in init


def test_requests_are_refused_by_error_and_completed() -> None:
    received = inspect.getsource(parser.HTTPRequestParser.received)
    for piece in ("self.parse_header(header_plus)", "self.content_length >= max_body"):
        assert piece in received
    assert "if self.request.completed:" in inspect.getsource(channel.HTTPChannel.received)


def test_answers_are_written_through_write_and_write_soon() -> None:
    source = inspect.getsource(task.Task.write)
    for piece in ("self.build_response_header()", "channel.write_soon(rh)", "self.wrote_header"):
        assert piece in source
    assert "self.close_when_flushed = True" in inspect.getsource(channel.HTTPChannel.service)


def test_the_loop_wakes_by_the_trigger_and_asks_what_each_waits_for() -> None:
    assert names(wasyncore.readwrite) == {"obj", "flags"}
    asked = inspect.getsource(wasyncore.poll2)
    assert "obj.readable()" in asked
    assert "obj.writable() and not obj.accepting" in asked
    assert "del map[fd]" in inspect.getsource(wasyncore.dispatcher.del_channel)
    assert "map[self._fileno] = self" in inspect.getsource(wasyncore.dispatcher.add_channel)


def test_only_a_thread_that_answers_pulls_the_servers_trigger() -> None:
    for calling in (channel.HTTPChannel, server.BaseWSGIServer, server.UnixWSGIServer):
        pulls = inspect.getsource(calling).count("pull_trigger()")
        wanted = {channel.HTTPChannel: 4, server.BaseWSGIServer: 1, server.UnixWSGIServer: 0}
        assert pulls == wanted[calling], calling


def test_requests_are_handed_to_the_dispatcher_one_by_one() -> None:
    assert "self.task_dispatcher.add_task(task)" in inspect.getsource(server.BaseWSGIServer)
    assert {"self"} == names(channel.HTTPChannel.service) == names(channel.HTTPChannel.cancel)
