"""The page in headless Chromium: no request, no fault; tables sort, filter and fit; axe-core finds nothing.

axe-core is looked for at AXE_CORE (its axe.min.js), else in node_modules: `npm install axe-core` puts it there.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from alexnet_study.report.collection import Collection
from alexnet_study.report.writing import write_report

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = Path(os.environ.get("AXE_CORE", "node_modules/axe-core/axe.min.js"))
PROBE = """
const click = (name, column) => document.querySelectorAll(`table.${name} thead button`)[column].click();
const rows = (name) => [...document.querySelectorAll(`table.${name} tbody tr`)];
const cells = (name, column) => rows(name).map((row) => row.cells[column].textContent);
const found = { before: cells("comparison", 0) };
click("runs", 1);
found.ascending = cells("runs", 1);
click("runs", 1);
found.descending = cells("runs", 1);
click("comparison", 1);
found.sign = getComputedStyle(document.querySelectorAll("table.comparison thead button")[1], "::after").content;
click("comparison", 1);
click("comparison", 1);
found.after = cells("comparison", 0);
const filter = document.querySelector("#table-comparison").previousElementSibling.querySelector("input");
filter.value = "top-3";
filter.dispatchEvent(new Event("input"));
found.filtered = rows("comparison").filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
found.folded = [...document.querySelectorAll("main details")].filter((part) => part.open).length;
location.hash = "#table-comparison";
addEventListener("hashchange", () => setTimeout(() => {
  found.unfolded = document.querySelector("#table-comparison").closest("details").open;
  const tables = [...document.querySelectorAll(".wide:has(table)")];
  const places = tables.filter((place) => place.clientWidth);
  const fits = (place) => place.scrollWidth <= place.clientWidth + 1;
  const least = (place) => [...place.querySelectorAll("thead th")].filter((cell) => !cell.hidden).length <= 2;
  found.wide = places.filter((place) => !fits(place) && !least(place)).map((place) => place.id);
  found.pictures = [...document.images].every((image) => image.naturalWidth > 0);
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  found.requests = loaded.filter((name) => !name.startsWith("data:"));
  found.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  found.contents = getComputedStyle(document.querySelector("nav")).position;
  found.listed = document.querySelector("nav details").open;
  report(found);
}, 500));
"""
AUDIT = """
document.querySelectorAll("details").forEach((part) => { part.open = true; });
const name = ({ id, nodes }) => [id, ...nodes.slice(0, 3).map((node) => node.html.slice(0, 200))];
const told = ({ violations, passes }) => report({ violations: violations.map(name), passes: passes.length });
setTimeout(() => axe.run().then(told), 500);
"""


def seen(page: Path, profile: Path, script: str, *options: str) -> dict[str, Any]:
    """Return what a script that runs in the page reports, in Chromium."""
    reporting = (
        "const report = (found) => document.body.append(Object.assign(document.createElement('pre'),"
        " { id: 'probe', textContent: encodeURIComponent(JSON.stringify(found)) }));"
    )
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text().replace("</body>", f"<script>{reporting}{script}</script></body>"))
    always = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--disable-quic"]
    always += [f"--user-data-dir={profile}", "--no-first-run", "--virtual-time-budget=20000", "--dump-dom"]
    command = [str(BROWSER), *always, *options, probed.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180)
    assert "CONSOLE" not in done.stderr
    found: dict[str, Any] = json.loads(unquote(done.stdout.split('<pre id="probe">')[1].split("</pre>")[0]))
    return found


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 500])
def test_the_page_works_alone_in_a_browser(collection: Collection, tmp_path: Path, width: int) -> None:
    page = write_report(collection, tmp_path)
    found = seen(page, tmp_path / "profile", PROBE, f"--window-size={width},900")
    ascending, descending = ([float(cell) for cell in found[order]] for order in ("ascending", "descending"))
    assert ascending == sorted(ascending)
    assert descending == sorted(descending, reverse=True)
    assert ascending[0] < ascending[-1]
    assert "▲" in found["sign"]
    assert found["after"] == found["before"]
    assert found["filtered"] == ["test top-3, %"]
    assert found["folded"] == 0
    assert found["unfolded"] is True
    assert found["wide"] == []
    assert found["pictures"] is True
    assert found["requests"] == []
    assert found["overflow"] <= 0
    assert (found["contents"], found["listed"]) == (("sticky", True) if width == 1280 else ("static", False))


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.skipif(not AXE.exists(), reason="no axe-core here: npm install axe-core, or AXE_CORE=…/axe.min.js")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 500])
def test_axe_finds_nothing(collection: Collection, tmp_path: Path, width: int, scheme: str) -> None:
    page = write_report(collection, tmp_path)
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    found = seen(page, tmp_path / "profile", AXE.read_text() + AUDIT, f"--window-size={width},900", *dark)
    assert found["violations"] == []
    assert found["passes"] > 20
