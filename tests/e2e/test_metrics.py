"""docs/metrics.md against what running stages expose, in both directions, and that against Prometheus' naming conventions."""

import re
from collections.abc import Iterator

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from bench import rig
from podwire.ask import admin_of, ask
from podwire.stages import STAGES
from tests.e2e.sandboxed import running, sandbox

pytestmark = pytest.mark.e2e

PAGE = rig.ROOT / "docs" / "metrics.md"
ROW = re.compile(r"\| `(?P<name>\w+)` \| (?P<type>\w+) \|(?P<labels>[^|]*)\|")
LABEL = re.compile(r"`(\w+)`(?: \(([^)]*)\))?")
BASE_UNITS = re.compile(r"_(seconds|bytes)(_total)?$")
OTHER_UNITS = re.compile(r"_(ms|us|ns|millis\w*|micros\w*|minutes|hours|kib|kb|mib|mb|percent)(_|$)")

KINDS = {"pods", "replicasets", "jobs"}
FREE = {"version", "stage"}
"""Labels whose values are not enumerated."""


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What each stage of a pipeline in sync answers on /metrics."""
    directory = tmp_path_factory.mktemp("metrics")
    with sandbox(directory) as api, running(api, directory) as podwire:
        podwire.until_ready()
        podwire.until(lambda: podwire.state("relay").get("lag", {}).get("count", 0) > 0, "a change on its way")
        yield {stage: ask(admin_of(podwire.run_dir, stage), "/metrics").decode() for stage in STAGES}


def families(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))


def scraped_name(family: Metric) -> str:
    """As queries name it; the parser leaves a counter's `_total` out."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def documented() -> dict[str, tuple[str, dict[str, set[str]]]]:
    """Type of each metric of the page, and the values of its labels."""
    found = {}
    for row in ROW.finditer(PAGE.read_text("utf-8")):
        values = {name: set(re.findall(r"`([^`]+)`", listed or "")) for name, listed in LABEL.findall(row["labels"])}
        assert row["name"] not in found, f"{row['name']} stands there twice"
        found[row["name"]] = (row["type"], values)
    return found


def test_the_page_lists_what_is_exposed_and_nothing_else(exposed: dict[str, str]) -> None:
    seen = {scraped_name(family): family.type for text in exposed.values() for family in families(text)}
    assert {name: type_ for name, (type_, _) in documented().items()} == seen


def test_the_page_lists_every_label_with_every_value(exposed: dict[str, str]) -> None:
    seen: dict[str, dict[str, set[str]]] = {}
    for text in exposed.values():
        for family in families(text):
            labels = seen.setdefault(scraped_name(family), {})
            for sample in family.samples:
                for label, value in sample.labels.items():
                    if label != "le":
                        labels.setdefault(label, set()).add(value)
    for name, (_, listed) in documented().items():
        for label, values in listed.items():
            if label in FREE:
                assert label in seen[name], name
            else:
                assert seen[name].get(label) == (values or KINDS), f"{name}: {label}"
        assert seen[name].keys() == listed.keys(), name


@pytest.mark.parametrize("stage", STAGES)
def test_names_types_and_helps_follow_the_conventions(exposed: dict[str, str], stage: str) -> None:
    owner = "watcher" if stage.startswith("watcher") else stage
    found = families(exposed[stage])
    names = [family.name for family in found]
    assert len(names) == len(set(names))
    for family in found:
        name = scraped_name(family)
        assert family.documentation, f"{name} has no HELP"
        assert family.type in ("counter", "gauge", "histogram"), name
        assert name.startswith(("podwire_ready", "podwire_build_info", "process_", f"podwire_{owner}_")), name
        assert family.type == "counter" or not name.endswith(("_total", "_count", "_sum", "_bucket")), name
        assert not OTHER_UNITS.search(name), name
        if "bytes" in name or "seconds" in name:
            assert BASE_UNITS.search(name), name
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(keys) == len(set(keys)), f"{name} has a sample twice"
        assert all(re.fullmatch(r"[a-z][a-z_]*", label) for sample in family.samples for label in sample.labels), name


def test_histograms_grow_to_infinity_and_the_workload_is_in_them(exposed: dict[str, str]) -> None:
    for family in families(exposed["relay"]):
        if family.type == "histogram":
            buckets = [(s.labels["le"], s.value) for s in family.samples if s.name.endswith("_bucket")]
            (count,) = [s.value for s in family.samples if s.name.endswith("_count")]
            assert [value for _, value in buckets] == sorted(value for _, value in buckets)
            assert buckets[-1] == ("+Inf", count)
            assert count > 0


def test_the_alerting_rules_are_yaml_and_ask_for_metrics_that_there_are() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    rules = [rule for group in yaml.safe_load(block)["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 6
    for rule in rules:
        asked = set(re.findall(r"\b(?:podwire|process)_\w+", rule["expr"]))
        assert asked
        assert asked <= documented().keys(), rule["alert"]
        assert rule["annotations"]["summary"]
