"""Entities and relations: one SVG per domain, drawn here so that it needs no script and no network to be read."""

from html import escape

from msgspec import Struct
from sqlalchemy import Column, Table

from scripts.reference import tables

CHARACTER = 6.7
ROW = 17
HEAD = 24
GAP_X = 90
GAP_Y = 26
MARGIN = 16
LINE = 'stroke="#667"'
OWN = f'fill="#fff" {LINE}'
HEADING = f'fill="#dfe7f5" {LINE}'
FOREIGN = 'fill="#f2f2f2" stroke="#99a" stroke-dasharray="4 3"'
EDGES = '<g fill="none" stroke="#36c" stroke-width="1.2">'
TEXTS = '<g font-family="ui-monospace,Menlo,Consolas,monospace" font-size="11" fill="#222">'


class Box(Struct, kw_only=True):
    """A table on the page; one of another domain shows only its name."""

    table: Table
    rows: list[Column[object]]
    x: float = 0
    y: float = 0

    @property
    def width(self) -> float:
        """As wide as its longest line."""
        longest = max([len(self.table.name) + 2, *(len(_line(column)) for column in self.rows)])
        return longest * CHARACTER + 20

    @property
    def height(self) -> float:
        """Its head and its rows."""
        return HEAD + len(self.rows) * ROW + (6 if self.rows else 0)

    def middle_of(self, column: str) -> float:
        """The height at which an edge for the column ends."""
        names = [row.name for row in self.rows]
        return self.y + (HEAD + names.index(column) * ROW + ROW / 2 if column in names else HEAD / 2)


def page() -> str:
    """The page that shows the drawings."""
    parts = [
        "# Entities and relations\n\n"
        "A drawing per domain; grey boxes belong to another one. An arrow goes from the row that refers to the one "
        "that is referred to; every reference carries `tenant_id` too. Columns are explained under "
        "[tables](tables.md).\n\n"
    ]
    for domain in tables.by_domain():
        parts += [f"## {domain}\n\n![Tables of {domain} and their references](er/{domain}.svg)\n\n"]
    return "".join(parts)


def drawings() -> dict[str, str]:
    """Domain to its SVG."""
    return {domain: _draw(found) for domain, found in tables.by_domain().items()}


def _draw(own: list[Table]) -> str:
    boxes = {table.name: Box(table=table, rows=tables.columns(table)) for table in own}
    for table in own:
        for _, target in _references(table):
            boxes.setdefault(target, Box(table=table.metadata.tables[target], rows=[]))
    width, height = _place(boxes)
    edges = [_edge(boxes[table.name], boxes[target], column) for table in own for column, target in _references(table)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f"{EDGES}\n{''.join(edges)}</g>\n{TEXTS}\n{''.join(_shape(box) for box in boxes.values())}</g>\n</svg>\n"
    )


def _references(table: Table) -> list[tuple[str, str]]:
    """The referring column (without the tenant) and the table it leads to."""
    pairs = [(key.column_keys[-1], key.referred_table.name) for key in table.foreign_key_constraints]
    return sorted(pairs)


def _place(boxes: dict[str, Box]) -> tuple[float, float]:
    """Put what refers to others right of them, a column per step; returns the size of the page."""
    x = bottom = float(MARGIN)
    depths = {name: _depth(name, boxes, ()) for name in boxes}
    for depth in range(max(depths.values()) + 1):
        column = [boxes[name] for name in sorted(boxes) if depths[name] == depth]
        y = float(MARGIN)
        for box in column:
            box.x, box.y = x, y
            y += box.height + GAP_Y
        x += max(box.width for box in column) + GAP_X
        bottom = max(bottom, y)
    return x - GAP_X + MARGIN, bottom - GAP_Y + MARGIN


def _depth(name: str, boxes: dict[str, Box], path: tuple[str, ...]) -> int:
    if not boxes[name].rows:
        return 0
    targets = {target for _, target in _references(boxes[name].table) if target not in (*path, name)}
    return max((_depth(target, boxes, (*path, name)) + 1 for target in targets), default=0)


def _edge(source: Box, target: Box, column: str) -> str:
    y1, y2 = source.middle_of(column), target.middle_of("id")
    if target is source:
        x = source.x + source.width
        return f'<path d="M{x:.0f} {y1:.0f}C{x + 40:.0f} {y1:.0f} {x + 40:.0f} {y2:.0f} {x:.0f} {y2:.0f}"/>\n'
    is_left = target.x < source.x
    x1 = source.x if is_left else source.x + source.width
    x2 = target.x + target.width if is_left else target.x
    bend = max(30.0, abs(x1 - x2) / 2) * (-1 if is_left else 1)
    tip = 6 if is_left else -6
    return (
        f'<path d="M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}'
        f'm{tip} -4l{-tip} 4l{tip} 4"/>\n'
    )


def _shape(box: Box) -> str:
    parts = [_rect(box, box.height, OWN if box.rows else FOREIGN)]
    if box.rows:
        parts += [_rect(box, HEAD, HEADING)]
    parts += [_text(box, 16, box.table.name, 'font-weight="bold"')]
    for place, column in enumerate(box.rows):
        parts += [_text(box, HEAD + place * ROW + 13, _line(column), 'fill="#777"' if column.nullable else "")]
    return "\n".join(parts) + "\n"


def _rect(box: Box, height: float, look: str) -> str:
    return f'<rect x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{height:.0f}" {look}/>'


def _text(box: Box, y: float, text: str, look: str) -> str:
    return f'<text x="{box.x + 10:.0f}" y="{box.y + y:.0f}" {look}>{escape(text)}</text>'.replace(" >", ">")


def _line(column: Column[object]) -> str:
    mark = "#" if column.primary_key else ("→" if column.foreign_keys else "\u00a0")
    return f"{mark} {column.name}: {tables.type_of(column)}{'?' if column.nullable else ''}"
