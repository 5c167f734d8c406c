"""Captions of the pictures: a fixed phrase for every attribute in about half of them, synonyms in the rest."""

SKY = {
    "day": ["a clear blue sky", "a blue sky", "a bright blue sky", "a bright sky"],
    "sunset": ["an orange sunset sky", "a sunset sky", "an orange sky", "a sunset", "a red sunset sky"],
    "night": ["a dark night sky", "a night sky", "a dark sky", "the night sky"],
    "dawn": ["a pink dawn sky", "a pink sky", "a dawn sky", "a pink morning sky"],
    "cloudy": ["a grey cloudy sky", "a cloudy sky", "a grey sky", "a gray cloudy sky", "an overcast sky"],
}
TIME = {
    "day": ["on a clear day", "by day"],
    "sunset": ["at sunset", "in the evening"],
    "night": ["at night", "in the night"],
    "dawn": ["at dawn", "at sunrise", "in the morning"],
    "cloudy": ["on a cloudy day", "on a grey day"],
}
GROUND = {
    "grass": ["green grass", "grass", "a green meadow", "a green field"],
    "snow": ["white snow", "snow", "a snowy field", "snowy ground"],
    "sand": ["yellow sand", "sand", "a sandy beach", "a beach", "a desert"],
    "autumn": ["brown autumn grass", "autumn grass", "an autumn field", "a brown field"],
}
BACKGROUND = {
    "mountains": ["mountains", "tall mountains", "snowy mountains", "a mountain range"],
    "hills": ["rolling hills", "hills", "low hills"],
    "forest": ["a forest", "a dark forest", "a pine forest", "woods"],
}
TREE = {
    "pine": ["a pine tree", "a pine", "a fir tree"],
    "round": ["a round tree", "a round green tree", "an oak tree", "a tree"],
    "palm": ["a palm tree", "a palm", "a tall palm tree"],
}
CELESTIAL = {
    "sun": ["the sun", "a sun", "sun", "a round sun", "a bright sun"],
    "moon": ["the moon", "a moon", "moon", "a crescent moon", "a bright moon"],
}
HOUSE = ["house", "house", "house", "cottage", "cabin"]
LAKE = ["a lake", "a blue lake", "a small lake", "a pond"]
STARS = ["stars", "bright stars", "many stars"]
CLOUDS = ["white clouds", "clouds", "some clouds"]
PLACE = {
    "left": ["on the left", "on the left", "on the left side", "to the left"],
    "middle": ["in the middle", "in the middle", "in the center", "in the centre"],
    "right": ["on the right", "on the right", "on the right side", "to the right"],
}
LANDSCAPE = ["a landscape", "a landscape", "a view", "a scene", "scenery"]
LEAD = ["a picture of", "a painting of", "an illustration of", "a drawing of", "a photo of"]
TAIL = ["beautiful", "detailed", "simple", "flat", "colorful", "high quality", "minimal", "cozy", "calm"]


class _Words:
    """Picks the fixed phrase or a random synonym."""

    def __init__(self, rng, fixed):
        self.rng, self.fixed = rng, fixed

    def __call__(self, phrases):
        return phrases[0] if self.fixed else self.rng.choice(phrases)


def full_caption(scene):
    """The caption that names everything in the fixed phrases, the middle position included."""
    return _sentence(scene, _Words(None, True), lambda chance: True)


def caption(rng, scene, variety=1.0):
    """A random caption of a scene. With less variety more of them are in the fixed phrases, which are learned first."""
    if rng.random() > variety:
        return _sentence(scene, _Words(rng, True), lambda chance: rng.random() < 0.95, rng)
    kind = rng.random()
    words = _Words(rng, rng.random() < 0.5)
    if kind < 0.10:
        text = _short(rng, scene, words)
    elif kind < 0.28:
        text = _tags(rng, scene, words)
    else:
        bare = rng.random() < 0.25  # scenery may be left unsaid, objects are nearly always named
        scenery = 0.5 if bare else 0.94
        text = _sentence(scene, words, lambda chance: rng.random() < (scenery if chance is None else chance), rng)
    if rng.random() < 0.06:
        text = f"{rng.choice(LEAD)} {text}"
    if rng.random() < 0.06:
        text = f"{text}, {rng.choice(TAIL)}"
    return text


def _place(scene, words, rng):
    """The place of the main object: always said for left and right, half of the time for the middle."""
    if scene.position == "middle" and rng is not None and rng.random() < 0.5:
        return ""
    return " " + words(PLACE[scene.position])


def _objects(scene, words, said, rng):
    """House, tree and lake phrases."""
    phrases = []
    if scene.house != "none":
        phrases.append(f"a {scene.house} {words(HOUSE)}{_place(scene, words, rng)}")
    if scene.tree != "none" and said(0.96):
        place = _place(scene, words, rng) if scene.house == "none" else ""
        phrases.append(words(TREE[scene.tree]) + place)
    if scene.lake == "lake" and said(0.94):
        phrases.append(words(LAKE))
    return phrases


def _sky_extras(scene, words, said, starry):
    """Sun or moon, stars and clouds."""
    phrases = []
    if scene.celestial != "none" and said(0.96):
        phrases.append(words(CELESTIAL[scene.celestial]))
    if scene.stars and not starry and said(0.95):
        phrases.append(words(STARS))
    if scene.clouds and scene.sky != "cloudy" and said(0.94):
        phrases.append(words(CLOUDS))
    return phrases


def _sky(scene, words, rng):
    """A sky phrase with its preposition, and whether it already says the stars."""
    if rng is not None and not words.fixed:
        if scene.stars and rng.random() < 0.3:
            return rng.choice(["under a starry night sky", "under a starry sky"]), True
        if rng.random() < 0.25:
            return rng.choice(TIME[scene.sky]), False
    return "under " + words(SKY[scene.sky]), False


def _sentence(scene, words, said, rng=None):
    objects = _objects(scene, words, said, rng)
    ground = words(GROUND[scene.ground]) if said(None) else None
    background = words(BACKGROUND[scene.background]) if scene.background != "none" and said(None) else None
    sky, starry = _sky(scene, words, rng) if said(None) else (None, False)
    extras = _sky_extras(scene, words, said, starry)
    subject = " and ".join(objects)
    if not subject:
        if background and rng is not None and rng.random() < 0.5:
            subject, background = background, None
        else:
            subject = words(LANDSCAPE)
    text = subject
    if ground:
        text += (" on " if words.fixed or rng.random() < 0.8 else ", ") + ground
    if background:
        text += (" with " if words.fixed else rng.choice([" with ", " in front of ", " and ", ", "])) + background
    if sky:
        if not words.fixed and rng.random() < 0.12:
            text = f"{sky}, {text}"
        else:
            text += (" " if words.fixed or rng.random() < 0.85 else ", ") + sky
    if extras:
        text += (" with " if sky else ", ") + " and ".join(extras)
    return text


def _tags(rng, scene, words):
    """A comma list."""
    tags = _objects(scene, words, lambda chance: rng.random() < chance, rng)
    tags.append(words(GROUND[scene.ground]) if rng.random() < 0.9 else None)
    if scene.background != "none" and rng.random() < 0.93:
        tags.append(words(BACKGROUND[scene.background]))
    sky, starry = words(SKY[scene.sky]), False
    if scene.stars and rng.random() < 0.3:
        sky, starry = rng.choice(["a starry night sky", "starry sky"]), True
    tags.append(sky if rng.random() < 0.93 else None)
    tags += _sky_extras(scene, words, lambda chance: rng.random() < chance, starry)
    tags = [tag for tag in tags if tag]
    if rng.random() < 0.4:
        tags = [tag[2:] if tag.startswith("a ") else tag for tag in tags]
    if rng.random() < 0.5:
        rng.shuffle(tags)
    return ", ".join(tags) or "a landscape"


def _short(rng, scene, words):
    """One attribute, sometimes two."""
    choices = []
    if scene.house != "none":
        choices += [f"a {scene.house} {words(HOUSE)}{_place(scene, words, rng)}"] * 4
    if scene.tree != "none":
        choices += [words(TREE[scene.tree])] * 2
    if scene.celestial != "none":
        choices += [words(CELESTIAL[scene.celestial])]
    if scene.lake == "lake":
        choices.append(words(LAKE))
    if scene.background != "none":
        choices.append(words(BACKGROUND[scene.background]))
    if scene.stars:
        choices.append("a starry night sky")
    choices += [words(SKY[scene.sky]), words(GROUND[scene.ground])]
    first = rng.choice(choices)
    if rng.random() < 0.35:
        return f"{first} {rng.choice(TIME[scene.sky] + ['under ' + words(SKY[scene.sky])])}"
    return first
