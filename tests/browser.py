"""A page in a real browser, without a window."""

import html
import json
import re
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")

PROBE = """<pre id="probe"></pre><script>
const answer = (text) => { document.getElementById("probe").textContent = text; };
ready.then(async () => { SCRIPT }).then(
  (value) => answer(JSON.stringify(value)), (error) => answer(JSON.stringify(String(error))));
</script>"""


def run_in(page, script, folder, size=(1280, 900)):
    """What the JavaScript `script` returns in a page whose promise `ready` is kept.

    folder   for a copy of the page, and the browser's own files;  size  of the window, pixels
    """
    copy = folder / "page.html"
    text = page.read_text(encoding="utf-8") + PROBE.replace("SCRIPT", script)
    copy.write_text(text, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={folder / 'browser'}", f"--window-size={size[0]},{size[1]}"]
    command += ["--virtual-time-budget=20000", copy.as_uri()]  # it waits for what runs
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300)
    found = re.search(r'<pre id="probe">(.+?)</pre>', done.stdout, flags=re.DOTALL)
    assert found, f"nothing was answered\n{done.stdout[-500:]}\n{done.stderr[-2000:]}"
    return json.loads(html.unescape(found[1]))
