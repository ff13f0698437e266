"""The pipe to the query server, with servers that behave and that don't."""

import os

import pytest

from seqsum.errors import UserError
from seqsum_tui.query.client import QueryClient, ServerEnded


@pytest.fixture
def client(tmp_path, query_server):
    return lambda mode: QueryClient(tmp_path, query_server(mode))


async def test_it_starts_once_answers_and_ends(client):
    one = client("good")
    assert not one.running
    assert (await one.start())["input_hint"] == "numbers from 0 to 9"
    first = one.pid
    assert (await one.request("predict", input="1 2 3 5 1 2 4"))["answer"]["prediction"] == 8
    assert (await one.request("predict", input="9 9"))["answer"]["prediction"] == 8
    assert one.pid == first
    await one.close()
    assert not one.running
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert (await one.request("predict", input="4"))["answer"]["prediction"] == 4
    await one.close()


async def test_a_question_the_task_cant_read_gives_its_words(client):
    one = client("good")
    with pytest.raises(UserError, match=r"input: \[red\]seven\[/\] is not a number"):
        await one.request("predict", input="seven")
    assert one.running
    await one.close()


async def test_a_server_that_cant_start_says_why(client):
    with pytest.raises(UserError, match="has no checkpoint"):
        await client("not ready").request("predict", input="1")


@pytest.mark.parametrize("mode", ["dies", "babbles"])
async def test_a_server_that_fails_is_told_and_the_next_question_starts_another(client, mode):
    one = client(mode)
    with pytest.raises(ServerEnded, match="ask again"):
        await one.request("predict", input="1 2")
    assert not one.running
    assert (await one.start())["ready"]
    await one.close()


async def test_a_stale_reply_is_passed_over(client):
    one = client("echoes")
    assert (await one.request("predict", input="1 2"))["answer"]["prediction"] == 3
    await one.close()


async def test_a_command_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="can't start"):
        await QueryClient(tmp_path, lambda folder: ["/nonexistent/python"]).request("predict", input="1")
