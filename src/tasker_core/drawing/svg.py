"""A graph as a picture of its own: one SVG file that any viewer shows, on a light ground or a dark one."""

from __future__ import annotations

from xml.sax.saxutils import escape

from tasker_core.drawing.graph import Edge, Graph, Node
from tasker_core.drawing.looks import LOOKS, look_of

MARKS = {"decision": "◇", "batchable": "≡", "batch_worker": "▤", "batch": "▤", "deferred_convergence": "⋈"}
FONT = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
CANNOT_BE_IN_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF])


def svg(graph: Graph, title: str, *, is_run: bool = False) -> str:
    """The text of an SVG file. ``title`` is read out for who can't see it; where ``is_run``, colours show states."""
    width, height = max(graph.width, 1), max(graph.height, 1)
    body = "\n".join(
        [*(_edge(edge) for edge in graph.edges), *(_node(node, is_run) for node in graph.nodes)]
    )  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img">\n<title>{_text(title)}</title>\n<style>\n{_style(is_run)}\n</style>\n'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M1 1l6 3-6 3" class="tip"/></marker></defs>\n'
        f'<rect class="ground" width="{width}" height="{height}"/>\n{body}\n</svg>\n'
    )


def _edge(edge: Edge) -> str:
    style = "edge" if edge.is_taken else "edge off"
    return f'<path class="{style}" d="{edge.path}" marker-end="url(#arrow)"/>'


def _node(node: Node, is_run: bool) -> str:
    box, look = node.box, look_of(node.state, is_run=is_run)
    sign = look.sign if is_run and node.state else MARKS.get(node.kind, look.sign)
    behind = f'<rect class="box" x="5" y="-5" width="{box.width}" height="{box.height}" rx="7"/>'
    lines = [
        f'<g class="node {_class(node.state, is_run)}" transform="translate({box.x} {box.y})">',
        behind if node.kind == "batch" else "",
        f'<rect class="box" width="{box.width}" height="{box.height}" rx="7"/>',
        f'<text class="sign" x="12" y="{26 if not node.said else 21}">{sign}</text>',
        f'<text class="name" x="33" y="{26 if not node.said else 20}">{_text(node.name)}</text>',
        f'<text class="said" x="33" y="35">{_text(node.said)}</text>' if node.said else "",
        "</g>",
    ]
    return "".join(lines)


def _class(state: str, is_run: bool) -> str:
    if not is_run:
        return "plain"
    return (state if state in LOOKS else "pending") if state else "absent"


def _style(is_run: bool) -> str:
    states = {_class(state, is_run): look_of(state, is_run=is_run) for state in (*LOOKS, "")}
    light = "\n".join(
        f".{name} .box {{ stroke: {look.light}; fill: {look.fill} }} .{name} .sign {{ fill: {look.light} }}"
        for name, look in states.items()
    )
    dark = "\n".join(
        f".{name} .box {{ stroke: {look.dark}; fill: #1a1e23 }} .{name} .sign {{ fill: {look.dark} }}"
        for name, look in states.items()
    )
    return f"""text {{ font-family: {FONT} }}
.ground {{ fill: #ffffff }} .edge, .tip {{ fill: none; stroke: #a5abb3; stroke-width: 1.5 }}
.off {{ stroke-dasharray: 3 4 }}
.box {{ stroke-width: 1.25 }} .absent {{ opacity: .6 }} .absent .box {{ stroke-dasharray: 4 4 }}
.name {{ font-size: 13px; font-weight: 550; fill: #1c2127 }}
.said {{ font-size: 11.5px; fill: #4d5763 }} .sign {{ font-size: 13px }}
{light}
@media (prefers-color-scheme: dark) {{
.ground {{ fill: #121519 }} .edge, .tip {{ stroke: #59626d }} .name {{ fill: #e7e9ec }} .said {{ fill: #b3bbc6 }}
{dark}
}}"""


def _text(text: str) -> str:
    return escape(text.translate(CANNOT_BE_IN_XML))
