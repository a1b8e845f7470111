#!/usr/bin/env python3
"""Opens the web pages of the documentation in headless Chromium.

Usage: pages.py HTML [SCREENSHOTS]

Checks the pages in the folder HTML (the target `docs` makes them):
- every local link leads to a file that is there, and to an anchor that it has;
- the navigation tree lists the guide and the topics;
- the search finds bp_network_create;
- no page is wider than its window, at 1280 and at 390 pixels;
- no year has become an item of a list.
With SCREENSHOTS, writes a picture of each main page in both widths to that folder, for people to look at.

Exit status 77: there is no Chromium.
"""
import functools
import html.parser
import http.server
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse

MAIN_PAGES = [
    "index.html", "first_network.html", "data_and_files.html", "custom_loss.html", "saving.html",
    "target_networks.html", "inference.html", "tensors.html", "threads_and_pools.html", "errors.html",
    "reproducibility.html", "versions_and_platforms.html", "contract.html", "architecture.html", "tuning.html",
    "glossary.html", "trust.html", "modules.html", "group__networks.html", "network_8h.html", "activation_8h.html",
    "optimizer_8h.html", "structbp__network__config.html", "globals.html",
]
WIDTHS = [1280, 390]
IN_NAVIGATION = ["First network", "Your own loss", "Architecture", "Glossary", "The headers by topic"]

# Served beside the pages. Each loads another page into a frame, whose width is that of the window it stands for, waits
# until its scripts have run, and writes what it sees into its own document.
WIDTH_PROBE = """<!doctype html><body><script>
const names = %s, widths = %s, say = text => document.body.append(Object.assign(document.createElement("p"), {textContent: text}));
(async () => {
  for (const name of names)
    for (const width of widths) {
      const frame = document.createElement("iframe");
      frame.style.width = width + "px"; frame.style.height = "900px"; frame.style.border = "0";
      frame.src = "/" + name;
      await new Promise(done => { frame.onload = done; document.body.append(frame); });
      await new Promise(done => setTimeout(done, 300));
      const page = frame.contentDocument, root = page.scrollingElement, tree = page.getElementById("nav-tree-contents");
      const content = page.getElementById("doc-content");
      say(`PAGE ${name} ${width} ${root.scrollWidth} ${content.scrollWidth} ${content.clientWidth} | ${tree ? tree.textContent : ""}`);
      frame.remove();
    }
  say("DONE");
})();
</script></body>"""

SEARCH_PROBE = """<!doctype html><body><script>
const say = text => document.body.append(Object.assign(document.createElement("p"), {textContent: text}));
const pause = time => new Promise(done => setTimeout(done, time));
(async () => {
  const frame = document.createElement("iframe");
  frame.style.width = "1280px"; frame.style.height = "900px";
  frame.src = "/index.html";
  await new Promise(done => { frame.onload = done; document.body.append(frame); });
  const page = frame.contentWindow;
  let field = null;
  for (let k = 0; k < 50 && !field; k++, await pause(100))
    field = page.document.getElementById("MSearchField");
  field.focus();
  field.value = "bp_network_create";
  field.dispatchEvent(new page.KeyboardEvent("keyup", {key: "e", keyCode: 69, bubbles: true}));
  for (let k = 0; k < 50; k++, await pause(100)) {
    const inner = page.document.querySelector("iframe#MSearchResults");
    const results = inner ? inner.contentDocument : page.document.getElementById("MSearchResultsWindow");
    for (const link of results.querySelectorAll("a.SRSymbol"))
      if (link.textContent.trim() === "bp_network_create" && link.getClientRects().length > 0) {
        say("FOUND " + link.getAttribute("href"));
        return;
      }
  }
})();
</script></body>"""


class Links(html.parser.HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self):
        super().__init__()
        self.links, self.anchors = [], set()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors.update(attrs[k] for k in ("id", "name") if attrs.get(k))
        for key in ("href", "src", "data"):
            if attrs.get(key) and (key != "data" or tag == "object"):
                self.links.append(attrs[key])


def check_links(folder):
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        pages[path] = Links()
        pages[path].feed(path.read_text(encoding="utf-8", errors="replace"))
    problems, count = [], 0
    for path, page in pages.items():
        for link in page.links:
            target = urllib.parse.urlsplit(link)
            if target.scheme or target.netloc:
                continue
            count += 1
            file = (path.parent / urllib.parse.unquote(target.path)).resolve() if target.path else path
            if not file.exists():
                problems.append(f"{path.name}: {link}: no such file")
            elif target.fragment and file in pages and target.fragment not in pages[file].anchors:
                problems.append(f"{path.name}: {link}: no such anchor")
    print(f"{count} local links in {len(pages)} pages")
    return problems if count > 1000 else problems + ["too few links"]


def check_lists(folder):
    """A line that begins with a year and a period must not have become a numbered list."""
    problems = []
    for path in sorted(folder.glob("*.html")):
        text = path.read_text(encoding="utf-8", errors="replace")
        problems += [f"{path.name}: a list begins at {start}" for start in re.findall(r'<ol[^>]*start="(\d{3,})"', text)]
    listed = folder / "activation_8h.html"
    if listed.exists() and "<ol" in listed.read_text(encoding="utf-8"):
        problems.append("activation_8h.html: a numbered list, which its header does not have")
    return problems


class Browser:
    def __init__(self, program, folder):
        self.program = program
        self.profile = tempfile.TemporaryDirectory()
        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def run(self, page, *options):
        command = [
            self.program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-dev-shm-usage", f"--user-data-dir={self.profile.name}", *options, self.address + page
        ]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, text=True,
                              errors="replace").stdout

    def dump(self, page, budget):
        return self.run(page, f"--virtual-time-budget={budget}", "--dump-dom", "--window-size=1400,1000")


class Handler(http.server.SimpleHTTPRequestHandler):
    probes = {}

    def do_GET(self):
        probe = self.probes.get(self.path.lstrip("/"))
        if probe is None:
            return super().do_GET()
        body = probe.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def check_pages(browser):
    Handler.probes["width-probe"] = WIDTH_PROBE % (MAIN_PAGES, WIDTHS)
    seen = browser.dump("width-probe", 1000 * len(MAIN_PAGES) * len(WIDTHS))
    problems, count = [], 0
    for name, *numbers, tree in re.findall(r"<p>PAGE (\S+) (\d+) (\d+) (\d+) (\d+) \| (.*?)</p>", seen, re.S):
        window, page, content, room = map(int, numbers)
        count += 1
        if page > window:
            problems.append(f"{name}: {page} pixels wide in a window of {window}")
        if content > room:
            problems.append(f"{name}: its text is {content} pixels wide where {room} are in a window of {window}")
        if window >= 768:
            problems += [f"{name}: no '{title}' in the navigation" for title in IN_NAVIGATION if title not in tree]
    print(f"{count} views of {len(MAIN_PAGES)} pages")
    if "<p>DONE</p>" not in seen or count != len(MAIN_PAGES) * len(WIDTHS):
        problems.append("not all pages were seen")
    return problems


def check_search(browser):
    Handler.probes["search-probe"] = SEARCH_PROBE
    seen = browser.dump("search-probe", 10000)
    found = re.search(r"<p>FOUND (.*?)</p>", seen, re.S)
    print("the search finds", html.unescape(found[1]) if found else "nothing")
    return [] if found and "network_8h.html#" in found[1] else ["the search does not find bp_network_create"]


def take_pictures(browser, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in MAIN_PAGES:
        for width in WIDTHS:
            picture = folder / f"{pathlib.Path(name).stem}-{width}.png"
            browser.run(name, f"--screenshot={picture}", f"--window-size={width},1600", "--virtual-time-budget=3000")


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        print("skipped: there is no Chromium (Debian: chromium)")
        return 77
    missing = [name for name in MAIN_PAGES if not (folder / name).exists()]
    problems = [f"{name}: not made" for name in missing] + check_links(folder) + check_lists(folder)
    browser = Browser(program, folder)
    problems += check_pages(browser) + check_search(browser)
    if len(sys.argv) > 2:
        take_pictures(browser, pathlib.Path(sys.argv[2]))
    for problem in problems:
        print("pages.py:", problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
