"""Counts suns, moons and house roofs in a picture by connected areas of their colour.

Independent of the classifier: a second opinion on doubled objects. Trees are not counted this way, since their
greens are also those of forests and meadows; for them the classifier's own head must do.
"""

import numpy as np
from scipy import ndimage

from scenes import LIGHT, scale

SUN = {"day": (255, 220, 46), "sunset": (255, 92, 30), "dawn": (255, 236, 120)}
MOON = (250, 246, 220)
ROOF = (94, 62, 56)


def count_areas(picture, colour, distance, rows, least):
    """Connected areas of about a colour within a band of rows; `least` is the area in 1/128-units squared."""
    height = picture.shape[0]
    band = picture[int(rows[0] * height) : int(rows[1] * height)].astype(np.float32)
    near = np.sqrt(np.square(band - np.array(colour, np.float32)).sum(-1)) < distance
    areas, count = ndimage.label(near)
    sizes = ndimage.sum_labels(near, areas, np.arange(1, count + 1)) if count else np.zeros(0)
    return int((sizes >= least * (height / 128) ** 2).sum())


def count_objects(picture, scene):
    """Number of suns or moons and of houses in a uint8 RGB picture whose sky is known; None if not asked for."""
    counts = {"celestial": None, "house": None}
    if scene.celestial == "sun":
        counts["celestial"] = count_areas(picture, SUN[scene.sky], 48, (0, 0.36), 110)
    elif scene.celestial == "moon":
        counts["celestial"] = count_areas(picture, MOON, 60, (0, 0.32), 60)
    if scene.house != "none":
        roof = scale(ROOF, max(LIGHT[scene.sky], 0.74))
        counts["house"] = count_areas(picture, roof, 34, (0.36, 0.72), 120)
    return counts
