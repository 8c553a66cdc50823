"""The dashboard and the alert rules: whole, and about metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from syncd.web.metrics import FAMILIES

ROOT = Path(__file__).parents[2]
RULES = ROOT / "monitoring" / "alerts.yaml"
BOARD = json.loads((ROOT / "monitoring" / "grafana-dashboard.json").read_text("utf-8"))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")


def rules() -> list[dict[str, Any]]:
    told = YAML(typ="safe").load(RULES.read_text("utf-8"))
    return [rule for group in told["groups"] for rule in group["rules"]]


def named(expression: str) -> set[str]:
    """The metrics of ours in an expression; a histogram's parts count as it."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bsyncd_[a-z0-9_]+", expression)}


def test_every_metric_that_an_alert_or_a_panel_names_is_told() -> None:
    expressions = [rule["expr"] for rule in rules()]
    expressions += [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
    assert set().union(*map(named, expressions)) <= set(FAMILIES)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_where_its_answer_stands(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["alert"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert re.search(rf"^### {rule['alert']}$", OPERATIONS, re.MULTILINE), "what it means and what to do"
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_alerts_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


def test_the_dashboard_takes_any_prometheus_and_its_panels_do_not_lie_on_each_other() -> None:
    assert {panel["datasource"]["uid"] for panel in BOARD["panels"]} == {"${datasource}"}
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        assert all(target["expr"] for target in panel["targets"])
        taken |= cells


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_rules() -> None:
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True, capture_output=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_metric_is_named_by_convention(family: str) -> None:
    kind, meaning = FAMILIES[family]
    assert re.fullmatch(r"syncd(_[a-z0-9]+)+", family)
    assert family.endswith("_total") == (kind == "counter")
    assert meaning.endswith(".")
