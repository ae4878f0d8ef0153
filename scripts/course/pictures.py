"""Drawings of the slides, one 100 x 100 SVG each, in the three colours of the course."""

LIGHT, LAMP, DEEP, CALM = "#ffffff", "#ffcf66", "#0b2540", "#5fc7bc"


def _svg(body: str) -> str:
    return f'<svg viewBox="0 0 100 100" xmlns="http://www.w3.org/2000/svg">{body}</svg>'


def _line(path: str, color: str = LIGHT, width: float = 6) -> str:
    return (
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}"'
        ' stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _box(x: float, y: float, w: float, h: float, r: float, fill: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}" fill="{fill}"/>'


def _disc(x: float, y: float, r: float, fill: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{r}" fill="{fill}"/>'


_RAYS = _line("M50 6v7M19 19l5 5M81 19l-5 5M8 48h7M85 48h7", LAMP, 4)
_FLAME = f'<path d="M50 22c11 13 16 21 16 31a16 16 0 0 1-32 0c0-10 5-18 16-31z" fill="{LAMP}"/>'
_TICK = _line("M33 52l12 12 23-27", DEEP, 8)

PICTURES = {
    "lamp": _svg(
        _RAYS
        + _FLAME
        + f'<path d="M50 42c5 6 7 9 7 14a7 7 0 0 1-14 0c0-5 2-8 7-14z" fill="{LIGHT}"/>'
        + _box(31, 74, 38, 8, 4, LIGHT)
        + _box(24, 86, 52, 9, 4.5, CALM)
    ),
    "key": _svg(
        _disc(28, 50, 21, LAMP)
        + _disc(28, 50, 9, DEEP)
        + _box(46, 45, 48, 10, 3, LAMP)
        + _box(74, 52, 8, 16, 3, LAMP)
        + _box(86, 52, 8, 12, 3, LAMP)
    ),
    "doors": _svg(
        _box(4, 22, 27, 58, 4, LAMP)
        + _box(36.5, 22, 27, 58, 4, CALM)
        + _box(69, 22, 27, 58, 4, LIGHT)
        + "".join(
            _disc(x, 48, 5, DEEP) + _box(x - 2, 49, 4, 13, 2, DEEP) for x in (17.5, 50, 82.5)
        )
    ),
    "phone": _svg(
        _box(27, 6, 46, 88, 9, LIGHT)
        + _box(32, 15, 36, 66, 3, DEEP)
        + _disc(50, 87.5, 3, DEEP)
        + _line("M41 46v-6a9 9 0 0 1 18 0v6", LAMP, 5)
        + _box(37, 44, 26, 21, 4, LAMP)
        + _disc(50, 54, 3.4, DEEP)
    ),
    "check": _svg(_disc(50, 50, 40, LAMP) + _TICK),
    "hook": _svg(
        _box(10, 50, 80, 42, 6, LIGHT)
        + _line("M13 55l37 24 37-24", DEEP, 5)
        + _line("M58 4v38a13 13 0 1 1-26 0v-6", LAMP, 7)
        + _line("M25 43l7-8 8 7", LAMP, 6)
    ),
    "alarm": _svg(
        f'<path d="M50 8l45 80H5z" fill="{LAMP}" stroke="{LAMP}" stroke-width="6"'
        ' stroke-linejoin="round"/>' + _box(45.5, 34, 9, 29, 4.5, DEEP) + _disc(50, 75, 5.6, DEEP)
    ),
    "link": _svg(
        _box(4, 24, 92, 54, 7, LIGHT)
        + _box(4, 24, 92, 15, 7, CALM)
        + _disc(13, 31.5, 3, DEEP)
        + _disc(23, 31.5, 3, DEEP)
        + _box(14, 47, 42, 8, 4, DEEP)
        + _box(59, 44, 25, 14, 5, LAMP)
        + _box(14, 64, 56, 6, 3, "#b9c6d4")
    ),
    "pause": _svg(_disc(50, 50, 42, LAMP) + _box(33, 30, 12, 40, 4, DEEP) + _box(55, 30, 12, 40, 4, DEEP)),
    "card": _svg(
        _box(4, 20, 92, 60, 8, LIGHT)
        + _box(4, 20, 92, 15, 8, CALM)
        + _disc(28, 51, 9, DEEP)
        + f'<path d="M12 73c2-11 9-13 16-13s14 2 16 13z" fill="{DEEP}"/>'
        + _box(54, 45, 32, 6, 3, LAMP)
        + _box(54, 56, 32, 6, 3, "#b9c6d4")
        + _box(54, 67, 20, 6, 3, "#b9c6d4")
    ),
    "store": _svg(
        _box(14, 32, 72, 58, 8, LIGHT)
        + _line("M35 40v-12a15 15 0 0 1 30 0v12", LAMP, 7)
        + _line("M50 48v24M39 62l11 11 11-11", DEEP, 7)
        + _box(33, 78, 34, 6, 3, CALM)
    ),
    "eye": _svg(
        f'<path d="M4 50c12-20 28-30 46-30s34 10 46 30c-12 20-28 30-46 30S16 70 4 50z" fill="{LIGHT}"/>'
        + _disc(50, 50, 19, CALM)
        + _disc(50, 50, 9, DEEP)
        + _line("M14 88L86 12", LAMP, 8)
    ),
    "shield": _svg(
        f'<path d="M50 5l38 13v28c0 24-15 40-38 49C27 86 12 70 12 46V18z" fill="{CALM}"/>'
        f'<path d="M50 5l38 13v28c0 24-15 40-38 49z" fill="{LAMP}"/>' + _TICK
    ),
}
