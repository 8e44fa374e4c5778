"""Pages that open on an intranet: assets inlined from installed packages, input text only as escaped data.

Two rules keep a page safe and complete. Input text (names, notes, sources) reaches it only through `json_block`, never
through a template, because folium renders element text as Jinja and HTML. Every link folium puts in the header is
either inlined, dropped on purpose or refused: nothing is left that would ask a server for a file.
"""

from __future__ import annotations

import base64
import json
import mimetypes
import re
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from branca.element import CssLink, Element, Figure, JavascriptLink
from jinja2 import Template
from xstatic.pkg import leaflet

from geodata.messages import Lang

_CHINESE_FONTS = '"Microsoft YaHei", "PingFang SC", "SimHei", "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei"'
_LATIN_FONTS = '"Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", "DejaVu Sans"'
#: Browsers refuse every request of the page.
CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"

_LEAFLET = Path(leaflet.BASE_DIR)
_INLINED = {"leaflet.js", "leaflet.css"}
#: Header links of folium that our own layers do not need.
_DROPPED = re.compile(
    r"jquery-[\d.]+(\.min)?\.js|bootstrap(\.bundle)?(\.min)?\.(js|css)|leaflet\.awesome-markers\.(js|css)"
    r"|bootstrap-glyphicons\.css|all\.min\.css|leaflet\.awesome\.rotate\.min\.css"
)
_CSS_URL = re.compile(r"url\(\s*['\"]?([^'\")]+)['\"]?\s*\)")
_SOURCE_MAP = re.compile(r"^\s*//[#@] sourceMappingURL=.*$", re.MULTILINE)
#: Characters that could end a script element, start a tag or entity, or end a line or a template literal.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&`\u2028\u2029"}


def font_stack(lang: Lang) -> str:
    """Return the fonts of a page, the first installed is used; fonts with Chinese glyphs are always among them."""
    fonts = (_CHINESE_FONTS, _LATIN_FONTS) if lang == "zh" else (_LATIN_FONTS, _CHINESE_FONTS)
    return ", ".join((*fonts, "sans-serif"))


def asset(name: str) -> str:
    """Return the text of one of our own assets (``scenarios/outputs/assets``)."""
    return (files("scenarios.outputs") / "assets" / name).read_text(encoding="utf-8")


def leaflet_assets() -> tuple[str, str]:
    """Return style sheet and script of Leaflet from the installed package, pictures inside, for a page of our own."""
    style = _CSS_URL.sub(_data_url, (_LEAFLET / "leaflet.css").read_text(encoding="utf-8"))
    return style, _SOURCE_MAP.sub("", (_LEAFLET / "leaflet.js").read_text(encoding="utf-8"))


def json_block(element_id: str, payload: Any) -> str:
    """Return `payload` as a JSON data element that no text in it can leave.

    ``<``, ``>``, ``&``, backtick and the two Unicode line separators are written as JSON escapes.

    Raises
    ------
    ValueError
        If a number is NaN or infinite.
    """
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f'<script type="application/json" id="{element_id}">{text.translate(_ESCAPES)}</script>'


def render_offline(figure: Figure) -> str:
    """Render a folium figure once, with every asset inside.

    The children are rendered first (they put their links into the header), then the links are replaced, then the page
    itself is rendered. `figure.render` must not be called: it would put the links back.

    Raises
    ------
    ValueError
        If the header links an asset that is neither inlined nor dropped on purpose.
    """
    for child in list(figure._children.values()):  # noqa: SLF001  branca has no public way
        child.render()
    header = figure.header
    for name, child in list(header._children.items()):  # noqa: SLF001
        if isinstance(child, CssLink | JavascriptLink):
            replacement = _inline(child.url)
            if replacement is None:
                del header._children[name]  # noqa: SLF001
            else:
                header._children[name] = replacement  # noqa: SLF001
    return str(figure._template.render(this=figure, kwargs={}))  # noqa: SLF001


class RawElement(Element):
    """Text that goes into the page as it is, never read as a template."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "RawElement"
        self.text = text


def _inline(url: str) -> Element | None:
    """Return the asset behind `url` as an element, or None if it is dropped on purpose."""
    name = PurePosixPath(urlsplit(url).path).name
    if name in _INLINED:
        style, script = leaflet_assets()
        return RawElement(f"<style>{style}</style>" if name.endswith(".css") else f"<script>{script}</script>")
    if _DROPPED.fullmatch(name):
        return None
    msg = f"the map would load {url!r} from the internet"
    raise ValueError(msg)


def _data_url(match: re.Match[str]) -> str:
    target = match.group(1)
    if target.startswith(("#", "data:")):
        return match.group(0)
    path = _LEAFLET / target
    if not path.is_file():
        msg = f"the style sheet would load {target!r}"
        raise ValueError(msg)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"url(data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()})"
