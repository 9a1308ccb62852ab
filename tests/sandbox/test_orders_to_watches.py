"""Orders that open watches go wrong: what a client sees of each."""

from pathlib import Path

import aiohttp
import pytest

from tests.fakes.sandbox_client import SandboxClient, event, with_sandbox


def test_a_cut_watch_ends_without_its_last_chunk(tmp_path: Path) -> None:
    """If watches are cut, then the client sees the connection end in the body, after whole lines."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.make_pod("one")
            assert (await event(content))["type"] == "ADDED"
            assert await client.order("cut", resource="pods") == 1
            with pytest.raises(aiohttp.ClientPayloadError):
                await content.readline()

    with_sandbox(tmp_path, scenario)


def test_a_torn_watch_ends_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """If watches are torn, then the client gets the beginning of a line, and then the connection's end."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.order("tear")
            half = await content.read(20)
            assert half.startswith(b'{"type":"MODIFIED"')
            with pytest.raises(aiohttp.ClientPayloadError):
                await content.read()

    with_sandbox(tmp_path, scenario)


def test_an_ended_watch_ends_properly(tmp_path: Path) -> None:
    """If watches are ended, then the body ends as it should."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.order("end")
            assert await content.read() == b""

    with_sandbox(tmp_path, scenario)


def test_garbage_comes_between_events(tmp_path: Path) -> None:
    """If garbage is ordered, then open watches get that line, text or bytes, and go on."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.order("garbage")
            await client.order("garbage", base64="//4=")
            assert await content.readline() == b"this is no JSON\n"
            assert await content.readline() == b"\xff\xfe\n"
            await client.make_pod("one")
            assert (await event(content))["type"] == "ADDED"

    with_sandbox(tmp_path, scenario)


def test_a_silenced_watch_stays_open_and_says_nothing_until_it_is_cut(tmp_path: Path) -> None:
    """If watches are silenced, then what changes is not told, not even at the watch's timeout; a watch opened later is as usual."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch(timeoutSeconds="1") as silent:
            assert await client.order("silence", resource="pods") == 1
            await client.make_pod("one")
            async with client.watch() as fresh:
                assert (await event(fresh))["object"]["metadata"]["name"] == "one"
            assert await client.order("end") == 1
            assert await silent.read() == b""

    with_sandbox(tmp_path, scenario)


def test_a_watch_can_be_told_that_it_is_gone(tmp_path: Path) -> None:
    """If watches are gone, then they get an ERROR event of 410 and end."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.order("gone")
            error = await event(content)
            assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 410, "Expired")
            assert await content.read() == b""

    with_sandbox(tmp_path, scenario)


def test_orders_go_to_one_resource_or_to_all(tmp_path: Path) -> None:
    """If an order names a resource, then watches of others are left alone."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            assert await client.order("cut", resource="jobs") == 0
            await client.make_pod("one")
            assert (await event(content))["type"] == "ADDED"
            assert await client.order("end") == 1

    with_sandbox(tmp_path, scenario)
