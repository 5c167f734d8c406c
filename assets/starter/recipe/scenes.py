"""Draws the training pictures of the starter model and writes their captions.

A picture is a small flat-style landscape described by a `Scene`: one of five skies, an optional sun or
moon, optional stars or clouds, one of four grounds, an optional background, an optional lake, an optional
house in one of five colours and an optional tree. Everything is drawn by this file, so the data set has no
source but this program and a seed.

All lengths are in units of 1/128 of the picture side; the picture is painted three times larger than
128 pixels and reduced to 128 or 192 pixels.
"""

import math
import random
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

CANVAS = 384  # painted size: 3 x 128 = 2 x 192
UNIT = CANVAS / 128.0

SKIES = ("day", "sunset", "night", "dawn", "cloudy")
CELESTIALS = ("none", "sun", "moon")
GROUNDS = ("grass", "snow", "sand", "autumn")
BACKGROUNDS = ("none", "mountains", "hills", "forest")
LAKES = ("none", "lake")
HOUSES = ("none", "red", "blue", "yellow", "white", "purple")
TREES = ("none", "pine", "round", "palm")
POSITIONS = ("left", "middle", "right")

SKY_COLOURS = {
    "day": ((62, 142, 232), (196, 230, 252)),
    "sunset": ((96, 52, 130), (255, 150, 58)),
    "night": ((8, 12, 44), (42, 52, 108)),
    "dawn": ((150, 138, 218), (255, 198, 206)),
    "cloudy": ((118, 128, 142), (192, 198, 206)),
}
LIGHT = {"day": 1.0, "sunset": 0.82, "night": 0.6, "dawn": 0.92, "cloudy": 0.85}
HOUSE_COLOURS = {
    "red": (214, 40, 36),
    "blue": (36, 88, 222),
    "yellow": (250, 208, 40),
    "white": (248, 246, 240),
    "purple": (158, 60, 190),
}
GROUND_COLOURS = {
    "grass": (92, 168, 70),
    "snow": (238, 244, 252),
    "sand": (232, 202, 132),
    "autumn": (192, 128, 52),
}
HILL_COLOURS = {
    "grass": (66, 138, 78),
    "snow": (188, 204, 226),
    "sand": (206, 164, 102),
    "autumn": (166, 112, 58),
}


@dataclass(frozen=True)
class Scene:
    """What a picture shows. `position` is the place of the house, or of the tree if there is no house."""

    sky: str
    celestial: str
    stars: bool
    clouds: bool
    ground: str
    background: str
    lake: str
    house: str
    tree: str
    position: str

    def changed(self, **attributes):
        """The same scene with some attributes replaced."""
        return replace(self, **attributes)

    def has_position(self):
        """Whether there is a main object whose place can be named."""
        return self.house != "none" or self.tree != "none"


def sample_scene(rng):
    """Draws a scene; the classes of every attribute are kept close to equally frequent."""
    sky = rng.choice(SKIES)
    chances = {
        "day": (0.4, 0.6, 0.0),
        "night": (0.35, 0.0, 0.65),
        "sunset": (0.2, 0.42, 0.38),
        "dawn": (0.2, 0.4, 0.4),
        "cloudy": (1.0, 0.0, 0.0),
    }[sky]
    celestial = rng.choices(CELESTIALS, chances)[0]
    stars = sky == "night" and rng.random() < 0.55
    clouds = sky == "cloudy" or (sky != "night" and celestial == "none" and rng.random() < 0.5)
    return Scene(
        sky=sky,
        celestial=celestial,
        stars=stars,
        clouds=clouds,
        ground=rng.choice(GROUNDS),
        background=rng.choice(BACKGROUNDS),
        lake="lake" if rng.random() < 0.3 else "none",
        house=rng.choice(HOUSES),
        tree=rng.choice(TREES),
        position=rng.choices(POSITIONS, (0.3, 0.4, 0.3))[0],
    )


# --------------------------------------------------------------------------------------------- colours


def jitter(rng, colour, amount):
    """A colour moved by up to `amount` in every channel."""
    return tuple(int(min(255, max(0, value + rng.uniform(-amount, amount)))) for value in colour)


def scale(colour, factor):
    """A colour made lighter or darker."""
    return tuple(int(min(255, max(0, value * factor))) for value in colour)


def mix(first, second, share):
    """A blend: `share` of the second colour."""
    return tuple(int(a * (1 - share) + b * share) for a, b in zip(first, second))


# --------------------------------------------------------------------------------------------- painting


class Painter:
    """Paints in 128-unit coordinates on a large canvas and keeps a mask of the objects."""

    def __init__(self, sky_rows):
        self.image = Image.fromarray(np.repeat(sky_rows[:, None, :], CANVAS, axis=1))
        self.mask = Image.new("L", (128, 128))
        self._draw = ImageDraw.Draw(self.image)
        self._mask_draw = ImageDraw.Draw(self.mask)
        self.is_object = False

    def polygon(self, points, colour):
        self._draw.polygon([(x * UNIT, y * UNIT) for x, y in points], fill=colour)
        if self.is_object:
            self._mask_draw.polygon(points, fill=255)

    def ellipse(self, cx, cy, rx, ry, colour):
        box = [(cx - rx) * UNIT, (cy - ry) * UNIT, (cx + rx) * UNIT, (cy + ry) * UNIT]
        self._draw.ellipse(box, fill=colour)
        if self.is_object:
            self._mask_draw.ellipse([cx - rx, cy - ry, cx + rx, cy + ry], fill=255)

    def rectangle(self, x0, y0, x1, y1, colour):
        self._draw.rectangle([x0 * UNIT, y0 * UNIT, x1 * UNIT, y1 * UNIT], fill=colour)
        if self.is_object:
            self._mask_draw.rectangle([x0, y0, x1, y1], fill=255)

    def mark_disc(self, cx, cy, radius):
        """Marks a disc as object without painting it."""
        self._mask_draw.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=255)


def object_places(rng, scene):
    """Horizontal places of house, tree and sun or moon.

    The layout is fixed by the position, up to a jitter: the tree stands beside the house and the sun or moon
    on the free side, so that a prompt does not leave several equally good layouts open.
    """
    if scene.house != "none":
        house = {"left": (34, 39), "middle": (61, 67), "right": (89, 94)}[scene.position]
        tree = {"left": (92, 102), "middle": (15, 20), "right": (26, 36)}[scene.position]
        celestial = {"left": (80, 104), "middle": (88, 106), "right": (24, 48)}[scene.position]
    elif scene.tree != "none":
        house = (0, 0)
        tree = {"left": (30, 42), "middle": (58, 70), "right": (86, 98)}[scene.position]
        celestial = {"left": (82, 104), "middle": (92, 106), "right": (24, 46)}[scene.position]
    else:
        house, tree, celestial = (0, 0), (0, 0), (52, 76)
    return rng.uniform(*house), rng.uniform(*tree), rng.uniform(*celestial)


def paint_stars(painter, rng, horizon, moon):
    """Four-pointed stars on a jittered grid, none behind the moon."""
    for row in range(3):
        for column in range(6):
            x = 10 + column * 21.5 + (row % 2) * 10 + rng.uniform(-4, 4)
            y = 9 + row * 15 + rng.uniform(-3, 3)
            if x > 123 or y > horizon - 27 or rng.random() < 0.15:
                continue
            if moon is not None and (x - moon[0]) ** 2 + (y - moon[1]) ** 2 < 19**2:
                continue
            tip = rng.uniform(3.4, 5.0)
            waist = tip * 0.3
            corners = [(0, -tip), (waist, -waist), (tip, 0), (waist, waist)]
            corners += [(0, tip), (-waist, waist), (-tip, 0), (-waist, -waist)]
            painter.polygon([(x + dx, y + dy) for dx, dy in corners], (255, 251, 214))


def paint_sun(painter, rng, sky, sky_at_sun, cx, cy):
    """A round sun with a soft halo."""
    radius = rng.uniform(11.0, 12.5)
    colour = {"day": (255, 220, 46), "sunset": (255, 92, 30), "dawn": (255, 236, 120)}[sky]
    for grow, share in ((1.5, 0.22), (1.32, 0.4), (1.15, 0.62)):
        painter.ellipse(cx, cy, radius * grow, radius * grow, mix(sky_at_sun, colour, share))
    painter.ellipse(cx, cy, radius, radius, colour)


def paint_moon(painter, rng, cx, cy):
    """A crescent moon."""
    radius = rng.uniform(12.0, 13.5)
    tilt = rng.uniform(-0.5, -0.3)
    outline = []
    for step in range(25):
        angle = -math.pi * 0.62 + step * (math.pi * 1.24 / 24)
        outline.append((radius * math.cos(angle), radius * math.sin(angle)))
    horn_x, horn_y = outline[-1]
    for step in range(1, 24):
        angle = math.pi / 2 - step * math.pi / 24
        outline.append((horn_x + radius * 0.78 * math.cos(angle), horn_y * math.sin(angle)))
    cos, sin = math.cos(tilt), math.sin(tilt)
    painter.polygon([(cx - 2 + x * cos - y * sin, cy + x * sin + y * cos) for x, y in outline], (250, 246, 220))
    painter.mark_disc(cx, cy, radius)


def paint_clouds(painter, rng, sky):
    """Three clouds, one in each third of the sky."""
    colour = {
        "day": (255, 255, 255),
        "sunset": (242, 144, 130),
        "dawn": (255, 240, 242),
        "cloudy": (228, 231, 236),
    }[sky]
    puffs = ((0, 0, 12, 4.5), (-6, -3, 6, 5), (3, -5, 7, 6), (9, -2, 5, 4))
    heights = rng.sample([(12, 18), (20, 28), (30, 38)], 3)
    for index, (low, high) in enumerate(heights):
        x, y = rng.uniform(18, 30) + 40 * index, rng.uniform(low, high)
        size = rng.uniform(0.95, 1.25)
        for dx, dy, rx, ry in puffs:
            painter.ellipse(x + dx * size, y + dy * size, rx * size, ry * size, colour)


def paint_background(painter, rng, scene, horizon, light, haze):
    """Mountains with snow caps, rolling hills or a forest along the horizon."""
    if scene.background == "mountains":
        base = mix(scale((104, 112, 150), max(light, 0.7)), haze, 0.14)
        peaks = [(index + 0.5) * 128 / 3 + rng.uniform(-8, 8) for index in range(3)]
        rng.shuffle(peaks)
        snow = scale((250, 252, 255), max(light, 0.72))
        for x in peaks:
            height, width = rng.uniform(30, 42), rng.uniform(30, 40)
            colour, top = jitter(rng, base, 6), horizon - height
            painter.polygon([(x - width, horizon + 3), (x, top), (x + width, horizon + 3)], colour)
            shade = [(x, top), (x + width, horizon + 3), (x + width * 0.15, horizon + 3)]
            painter.polygon(shade, scale(colour, 0.8))
            cap = 0.34
            drop = (height + 3) * cap
            points = [(x, top), (x - width * cap, top + drop), (x - width * cap * 0.4, top + drop * 0.8)]
            points += [(x, top + drop * 1.1), (x + width * cap * 0.5, top + drop * 0.8), (x + width * cap, top + drop)]
            painter.polygon(points, snow)
    elif scene.background == "hills":
        for index in range(2):
            colour = scale(HILL_COLOURS[scene.ground], light * (0.84 + 0.12 * index))
            colour = mix(colour, haze, 0.26 - 0.14 * index)
            phase, swing, waves = rng.uniform(0, 6.28), rng.uniform(7, 11), rng.uniform(1.1, 1.9)
            ridge = [
                (x, horizon - 14 + 7 * index - swing * math.sin(phase + waves * x * 6.28 / 128))
                for x in range(0, 129, 4)
            ]
            painter.polygon([(0, horizon + 5)] + ridge + [(128, horizon + 5)], colour)
    elif scene.background == "forest":
        base = mix(scale((28, 88, 60), max(light, 0.66)), haze, 0.1)
        x = -4.0
        while x < 132:
            height, width = rng.uniform(18, 26), rng.uniform(6, 8)
            painter.polygon([(x - width, horizon + 3), (x, horizon - height), (x + width, horizon + 3)], jitter(rng, base, 7))
            x += rng.uniform(6, 8)


def paint_ground(painter, rng, scene, horizon, light, tint):
    """The ground in two tones; returns its colour."""
    colour = jitter(rng, GROUND_COLOURS[scene.ground], 8)
    darkest = 0.74 if scene.ground == "snow" else 0.62
    colour = mix(scale(colour, max(light, darkest)), tint, 0.08)
    phase, swing = rng.uniform(0, 6.28), rng.uniform(0, 2.2)
    far = [(x, horizon + swing * math.sin(phase + x * 0.05)) for x in range(0, 129, 4)]
    near = [(x, horizon + 24 + 2 * swing * math.sin(phase * 1.7 + x * 0.045)) for x in range(0, 129, 4)]
    painter.polygon([(0, 128)] + far + [(128, 128)], colour)
    painter.polygon([(0, 128)] + near + [(128, 128)], scale(colour, 0.92))
    return colour


def paint_lake(painter, rng, ground, light, haze):
    """A lake at the lower edge."""
    water = mix(scale((54, 138, 224), max(light, 0.68)), haze, 0.2)
    x, y, width = rng.uniform(56, 72), 115.5, rng.uniform(46, 54)
    painter.ellipse(x, y, width, 10.5, scale(ground, 0.8))
    painter.ellipse(x, y + 0.6, width - 3, 9, water)
    for _ in range(3):
        left, top = x + rng.uniform(-28, 16), y + rng.uniform(-4, 5)
        painter.rectangle(left, top, left + rng.uniform(8, 14), top + 1.2, mix(water, (255, 255, 255), 0.45))


def paint_tree(painter, rng, kind, x, foot, size, light):
    """A pine, a round tree or a palm."""
    light = max(light, 0.64)
    if kind == "pine":
        painter.rectangle(x - 2 * size, foot - 6 * size, x + 2 * size, foot, scale((110, 72, 42), light))
        green = scale(jitter(rng, (18, 98, 68), 6), light)
        for tier in range(3):
            half, low, top = (11.5 - 2.6 * tier) * size, foot - (5 + 9 * tier) * size, foot - (21 + 9 * tier) * size
            painter.polygon([(x - half, low), (x, top), (x + half, low)], scale(green, 1 + 0.14 * tier))
    elif kind == "round":
        painter.rectangle(x - 2.2 * size, foot - 16 * size, x + 2.2 * size, foot, scale((110, 72, 42), light))
        green = scale(jitter(rng, (122, 192, 50), 6), light)
        painter.ellipse(x, foot - 22 * size, 12.5 * size, 12.5 * size, scale(green, 0.85))
        painter.ellipse(x - 1.5 * size, foot - 23.5 * size, 10.5 * size, 10.5 * size, green)
    else:
        trunk = [(-2, 0), (2, 0), (4.2, -16), (3.6, -32), (0.8, -32), (0.8, -16)]
        painter.polygon([(x + dx * size, foot + dy * size) for dx, dy in trunk], scale((150, 108, 66), light))
        green = scale((40, 152, 80), light)
        crown_x, crown_y = x + 2.2 * size, foot - 32 * size
        for dx, dy in ((-15, 7), (-13, -3), (-5, -9), (6, -9), (13, -3), (15, 7)):
            leaf = [(0, -2), (dx * 0.55, dy * 0.9 - 6), (dx, dy + 1), (dx * 0.5, dy * 0.5 - 0.5)]
            painter.polygon([(crown_x + px * size, crown_y + py * size) for px, py in leaf], jitter(rng, green, 8))


def paint_house(painter, rng, colour_name, x, foot, sky, light):
    """A house with a roof, a chimney, a door and two windows."""
    light_wall = max(light, 0.74)
    half = rng.uniform(20.0, 24.0)
    height, roof, overhang = half * 1.05, half * 0.85, half * 0.14
    wall = scale(jitter(rng, HOUSE_COLOURS[colour_name], 6), light_wall)
    eaves = foot - height
    painter.rectangle(x + half * 0.38, eaves - roof * 0.85, x + half * 0.64, eaves - roof * 0.2, scale((122, 84, 74), light_wall))
    painter.rectangle(x - half, eaves, x + half, foot, wall)
    painter.rectangle(x + half * 0.66, eaves, x + half, foot, scale(wall, 0.86))
    painter.polygon([(x - half - overhang, eaves), (x, eaves - roof), (x + half + overhang, eaves)], scale((94, 62, 56), light_wall))
    painter.rectangle(x - half * 0.17, foot - height * 0.58, x + half * 0.17, foot, scale((84, 52, 34), light_wall))
    glass = (255, 226, 120) if sky in ("night", "sunset") else scale((205, 232, 248), light)
    for offset in (-0.58, 0.58):
        window = x + offset * half
        painter.rectangle(window - half * 0.2, foot - height * 0.78, window + half * 0.2, foot - height * 0.4, glass)


def second_place(rng, x, distance=30):
    """A place at least `distance` away from x."""
    places = [place for place in range(14, 115, 4) if abs(place - x) >= distance]
    return rng.choice(places)


def render(rng, scene, doubled=frozenset()):
    """Paints a scene; returns the painter (large picture and object mask).

    `doubled` names objects to paint twice ("celestial", "house", "tree"): never for training pictures of the
    diffusion model, only to teach the classifier what a doubled object looks like.
    """
    top, bottom = (jitter(rng, colour, 8) for colour in SKY_COLOURS[scene.sky])
    light = LIGHT[scene.sky]
    horizon = rng.uniform(70, 79)
    depth = np.clip(np.linspace(0, 1, CANVAS) * 128 / horizon, 0, 1)[:, None]
    sky_rows = (np.array(top) * (1 - depth) + np.array(bottom) * depth).astype(np.uint8)
    painter = Painter(sky_rows)
    house_x, tree_x, celestial_x = object_places(rng, scene)
    celestial_y = rng.uniform(18, 25)

    painter.is_object = True
    if scene.stars:
        paint_stars(painter, rng, horizon, (celestial_x, celestial_y) if scene.celestial == "moon" else None)
    celestial_places = [celestial_x]
    if "celestial" in doubled:
        celestial_places.append(second_place(rng, celestial_x))
    for x in celestial_places:
        if scene.celestial == "sun":
            paint_sun(painter, rng, scene.sky, mix(top, bottom, celestial_y / horizon), x, celestial_y)
        elif scene.celestial == "moon":
            paint_moon(painter, rng, x, celestial_y)
    painter.is_object = False

    if scene.clouds:
        paint_clouds(painter, rng, scene.sky)
    paint_background(painter, rng, scene, horizon, light, bottom)
    ground = paint_ground(painter, rng, scene, horizon, light, mix(top, bottom, 0.5))
    if scene.lake == "lake":
        paint_lake(painter, rng, ground, light, bottom)

    painter.is_object = True
    if scene.tree != "none":
        beside_house = scene.house != "none" and scene.position == "middle"
        size = rng.uniform(1.3, 1.45) * (0.85 if beside_house else 1.0)
        paint_tree(painter, rng, scene.tree, tree_x, rng.uniform(98, 103), size, light)
        if "tree" in doubled:
            paint_tree(painter, rng, scene.tree, second_place(rng, tree_x), rng.uniform(98, 103), size, light)
    if scene.house != "none":
        if "house" in doubled:
            paint_house(painter, rng, scene.house, second_place(rng, house_x, 44), rng.uniform(99, 103), scene.sky, light)
        paint_house(painter, rng, scene.house, house_x, rng.uniform(99, 103), scene.sky, light)
    painter.is_object = False
    return painter


def make_picture(seed, size=128, doubled=frozenset()):
    """The picture of a seed: (RGB array, object mask 0..1 on the size/8 latent grid, scene)."""
    rng = random.Random(seed)
    scene = sample_scene(rng)
    painter = render(rng, scene, doubled)
    picture = np.asarray(painter.image.reduce(CANVAS // size))
    grid = size // 8
    mask = np.asarray(painter.mask.resize((grid, grid), Image.Resampling.BOX), np.float32) / 255
    return picture, mask, scene
