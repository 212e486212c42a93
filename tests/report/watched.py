"""A page with all that went wrong on it: what it asked for, said, opened or was stopped from doing."""

from __future__ import annotations

from dataclasses import dataclass, field

VIOLATIONS = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (e) => window.__violations.push(e.violatedDirective + " " + e.blockedURI));
"""  # noqa: E501

SMALLEST_CONTRAST = """() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 && m[3] === 0 ? null : m.slice(0, 3); };
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  let worst = { ratio: 99 };
  for (const e of document.querySelectorAll("body *")) {
    const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!text || !e.getClientRects().length || e.closest("script, style, option, .skip, .sr")) continue;
    const style = getComputedStyle(e);
    const ink = parse(e.closest("svg") ? style.fill : style.color);
    let ground = null;
    for (let up = e; up && !ground; up = up.parentElement) ground = parse(getComputedStyle(up).backgroundColor);
    if (!ink || !ground) continue;
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < worst.ratio) worst = { ratio, text: e.textContent.slice(0, 40), tag: e.tagName + "." + e.className };
  }
  return worst;
}"""  # noqa: E501


@dataclass
class Watched:
    """A page with all that went wrong on it."""

    page: object
    requests: list = field(default_factory=list)
    troubles: list = field(default_factory=list)

    def quiet(self):
        assert self.troubles == []
        assert [u for u in self.requests if not u.startswith(("file:", "data:"))] == []
        assert len([u for u in self.requests if u.startswith("file:")]) == 1
        assert self.page.evaluate("window.__violations") == []
        assert self.page.evaluate("window.__pwned") is None


def watch(context, url):
    """Open a page in a browser's context, watched from its first moment."""
    page = context.new_page()
    watched = Watched(page)
    page.on("request", lambda r: watched.requests.append(r.url))
    page.on("console", lambda m: watched.troubles.append(f"console {m.type}: {m.text}"))
    page.on("pageerror", lambda e: watched.troubles.append(f"error: {e}"))
    page.on("dialog", lambda d: (watched.troubles.append(f"dialog: {d.message}"), d.dismiss()))
    page.on("popup", lambda p: watched.troubles.append(f"popup: {p.url}"))
    context.add_init_script(VIOLATIONS)
    page.goto(url)
    return watched
