"""The page in headless Chromium: nothing is asked of a network, nothing goes wrong, tables sort."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from alexnet_study.report.collection import Collection
from alexnet_study.report.writing import write_report

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PROBE = """
<script>
const click = (name, column) => document.querySelectorAll(`table.${name} thead button`)[column].click();
const rows = (name) => [...document.querySelectorAll(`table.${name} tbody tr`)];
const cells = (name, column) => rows(name).map((row) => row.cells[column].textContent);
click("runs", 1);
const ascending = cells("runs", 1);
click("runs", 1);
const found = { ascending, descending: cells("runs", 1) };
found.pictures = [...document.images].every((image) => image.naturalWidth > 0);
found.requests = performance.getEntriesByType("resource").filter((r) => !r.name.startsWith("data:")).map((r) => r.name);
found.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const note = document.createElement("pre");
note.id = "probe";
note.textContent = JSON.stringify(found);
document.body.append(note);
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 500])
def test_the_page_works_alone_in_a_browser(collection: Collection, tmp_path: Path, width: int) -> None:
    page = write_report(collection, tmp_path)
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text().replace("</body>", PROBE + "</body>"))
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        f"--window-size={width},900",
    ]
    options += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run(
        [str(BROWSER), *options, probed.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    assert "CONSOLE" not in done.stderr
    text = done.stdout.split('<pre id="probe">')[1].split("</pre>")[0]
    found = json.loads(text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    ascending, descending = ([float(cell) for cell in found[order]] for order in ("ascending", "descending"))
    assert ascending == sorted(ascending)
    assert descending == sorted(descending, reverse=True)
    assert ascending[0] < ascending[-1]
    assert found["pictures"] is True
    assert found["requests"] == []
    assert found["overflow"] <= 0
