"""What a demo consists of: the sandbox's cluster and reducer, the five stages pointed at them, and the view.

Each is a child of one supervisor, so each may be killed and comes back; ports are chosen beforehand, so it comes back where it was.
The children's logs go to files, because the view has the terminal.
"""

import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec

from common.address import Address
from common.errors import UsageError
from common.place import prepare_run_dir
from podwire import stages
from podwire.children import Program
from podwire.supervisor import Plan, Supervisor

KUBECONFIG_WAIT_SECONDS = 120.0
"""A simulated cluster of 100,000 pods takes a while to fill."""


class _Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything of one demo is."""

    run_dir: Path
    cluster: Address
    intake: Address
    reducer: Address
    """The reducer's HTTP."""

    @property
    def kubeconfig(self) -> Path:
        return self.run_dir / "kubeconfig"

    @property
    def last_words(self) -> Path:
        return self.run_dir / "verdict"

    def log(self, name: str) -> Path:
        return self.run_dir / f"{name}.log"


def run_demo(options: Mapping[str, Any], *, run_dir: Path | None) -> int:
    """Runs the demo and gives its exit code: 1 when the reducer was not in step in the end.

    Without a `run_dir` it takes a temporary one, and removes it unless there is something to look up in it.
    """
    if options["admin"] == "off":
        raise UsageError("--demo shows what the stages' admin HTTP tells: it does not go with --admin off")
    if run_dir is not None:
        return _run(options, run_dir)
    own = Path(tempfile.mkdtemp(prefix="podwire-demo-"))
    code = _run(options, own)
    if code == 0:
        shutil.rmtree(own)
    return code


def _run(options: Mapping[str, Any], run_dir: Path) -> int:
    prepare_run_dir(run_dir)
    cluster, intake, reducer = _free_addresses(3)
    scene = _Scene(run_dir=run_dir, cluster=cluster, intake=intake, reducer=reducer)
    for stale in (scene.kubeconfig, scene.last_words):
        stale.unlink(missing_ok=True)
    programs = (*_sandbox(options, scene), *_stages(options, scene), _view(options, scene))
    stages.preload()
    with _own_lines_in(scene.log("up")) if sys.stdout.isatty() else ExitStack():
        code = Supervisor(Plan(run_dir=run_dir, programs=programs, leader="view")).run()
    if code != 0:
        click.echo(f"each process's log is in {run_dir}", err=True)
    if scene.last_words.exists():
        click.echo(scene.last_words.read_text(), nl=False)
    return code


def _sandbox(options: Mapping[str, Any], scene: _Scene) -> Iterator[Program]:
    logging = ("--log-format", options["log_format"], "--log-level", options["log_level"])
    workload = ("--pods", options["demo_pods"], "--rate", options["demo_rate"], "--seed", options["demo_seed"])
    cluster = ("cluster", "--listen", scene.cluster, "--kubeconfig", scene.kubeconfig, *workload, *logging)
    reducer = ("reducer", "--listen", scene.intake, "--admin", scene.reducer)
    for name, arguments in (("cluster", cluster), ("reducer", reducer)):
        line = [sys.executable, "-m", "sandbox", *map(str, arguments)]
        yield Program(name=name, run=partial(os.execv, sys.executable, line), log=scene.log(name))


def _stages(options: Mapping[str, Any], scene: _Scene) -> Iterator[Program]:
    pointed = {
        **options,
        "run_dir": scene.run_dir,
        "kubeconfig": str(scene.kubeconfig),
        "context": None,
        "intake": str(scene.intake),
    }
    for program in stages.programs(pointed):
        run = partial(_when_there, scene.kubeconfig, program.run)
        yield replace(program, run=run, log=scene.log(program.name))


def _view(options: Mapping[str, Any], scene: _Scene) -> Program:
    def run() -> None:
        from podwire.demo import view

        view.run(
            view.Settings(
                run_dir=scene.run_dir,
                kubeconfig=scene.kubeconfig,
                cluster=str(scene.cluster),
                reducer=str(scene.reducer),
                for_seconds=options["for_seconds"],
                last_words=scene.last_words,
                note=f"The cluster: {scene.kubeconfig}\nThe reducer: http://{scene.reducer}/state\n"
                f"The logs:    {scene.run_dir}/*.log\nKill any process and see it come back; Ctrl-C ends all.",
            )
        )

    return Program(name="view", run=run)


def _when_there(file: Path, run: Callable[[], None]) -> None:
    """Runs it once the cluster has written its kubeconfig."""
    until = time.monotonic() + KUBECONFIG_WAIT_SECONDS
    while not file.exists():
        if time.monotonic() >= until:
            raise UsageError(f"the simulated cluster has not come up in {KUBECONFIG_WAIT_SECONDS:.0f} s")
        time.sleep(0.02)
    run()


def _free_addresses(count: int) -> list[Address]:
    """Loopback addresses that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [Address(*one.getsockname()) for one in sockets]


@contextmanager
def _own_lines_in(log: Path) -> Iterator[None]:
    """This process's standard error goes to the file: a line in the middle of a live table would break it."""
    before = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
