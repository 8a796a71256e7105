"""Look at each page of a built site in a headless Chromium: `python -m tools.browser FOLDER`.

Light and dark, on a phone and on a desk. Markdown that builds without a warning can still be wrong on the page: lists
that run together, text that nobody can read, pictures that are white sheets in the dark.
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Route

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ORIGIN = "http://localhost/"
_WIDTHS = (390, 1280)
_SCHEMES = ("light", "dark")
_LOOK = Path(__file__).with_name("look.js").read_text(encoding="utf-8")
_STILL = "*, *::before, *::after { transition: none !important; animation: none !important }"
_MEAN_BRIGHTNESS = """async (shot) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${shot}`)).blob());
  const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
  pen.drawImage(image, 0, 0);
  const data = pen.getImageData(0, 0, image.width, image.height).data;
  return data.reduce((sum, each, i) => (i % 4 < 3 ? sum + each : sum), 0) / (data.length / 4) / 3 / 255;
}"""
_BRIGHTEST = 0.5
"""How bright a picture may be in the dark, on average: 1 is a white sheet."""


class Findings:
    """What is wrong, with the pages and the states of the browser in which it is."""

    def __init__(self) -> None:
        self._where: dict[tuple[str, str], dict[str, list[str]]] = {}

    def add(self, kind: str, text: str, page: str, state: str) -> None:
        """Note something wrong."""
        states = self._where.setdefault((kind, text), {}).setdefault(page, [])
        if state not in states:
            states.append(state)

    def lines(self) -> list[str]:
        """Describe each, once for all pages that have it."""
        described = []
        for (kind, text), pages in self._where.items():
            page, states = next(iter(pages.items()))
            more = f" and {len(pages) - 1} more" if len(pages) > 1 else ""
            when = f" ({'; '.join(states)})" if len(states) < len(_SCHEMES) * len(_WIDTHS) else ""
            described.append(f"{page}{more}{when}: {kind}: {text}")
        return described


def main() -> int:
    """Look at the site, and print what is wrong with it."""
    folder = Path(sys.argv[1]).resolve()
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not browser:
        print(
            "The pages were not looked at as a browser shows them, for want of one: install Chromium, or set "
            "CHROMIUM to the path of another of its kind.",
            file=sys.stderr,
        )
        return 1 if os.environ.get("CI") else 0
    found, pages = look(folder, browser)
    for line in found:
        print(line)
    print(f"{pages} pages looked at, light and dark, on {' and '.join(map(str, _WIDTHS))} pixels: {len(found)} faults.")
    return 1 if found else 0


def look(folder: Path, browser: str) -> tuple[list[str], int]:
    """Open each page of a site, and return what is wrong, and how many pages there are."""
    findings = Findings()
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    with sync_playwright() as playwright:
        # In a container there is often no other user than root, for whom Chromium has no sandbox.
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(reduced_motion="reduce")
        _listen(page, folder, findings)
        for path in paths:
            _look_at(page, path, findings)
        chromium.close()
    return findings.lines(), len(paths)


def _listen(page: Page, folder: Path, findings: Findings) -> None:
    def note(kind: str, text: str) -> None:
        findings.add(kind, text, str(page.url).removeprefix(_ORIGIN), "on opening it")

    def answer(route: Route) -> None:
        url = route.request.url
        file = folder / unquote(urlsplit(url).path).lstrip("/")
        if not url.startswith(_ORIGIN):
            note("a request to elsewhere", url)
            route.abort()
        elif file.is_file():
            route.fulfill(path=file)
        else:
            note("nothing there", url.removeprefix(_ORIGIN))
            route.fulfill(status=404)

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            note("an error in the console", message.text)

    page.route("**/*", answer)
    page.on("console", on_console)
    page.on("pageerror", lambda error: note("an error of a script", error.message))


def _look_at(page: Page, path: str, findings: Findings) -> None:
    page.goto(_ORIGIN + path)
    page.add_style_tag(content=_STILL)
    for width in _WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in _SCHEMES:
            page.emulate_media(color_scheme=scheme)
            for kind, text in page.evaluate(_LOOK):
                findings.add(kind, text, path, f"{scheme} {width}")
    # It is dark now.
    for picture in page.locator("article img:visible, article svg:has(text):visible").all():
        shot = base64.b64encode(picture.screenshot()).decode()
        if page.evaluate(_MEAN_BRIGHTNESS, shot) > _BRIGHTEST:
            findings.add("a white sheet in the dark", picture.get_attribute("src") or "a drawing", path, _SCHEMES[-1])


if __name__ == "__main__":
    raise SystemExit(main())
