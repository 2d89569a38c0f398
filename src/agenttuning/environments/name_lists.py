"""Names for the rows of made-up databases: people, places, titles, animals, codes.

Each split has word lists of its own, so a name that a test task asks for never stands in a train task.

>>> names("place", "train", random.Random("x"), 2)
['Ashford', 'Millbury']
"""

import random

_FIRST = {
    "train": "Anna Ben Clara David Emma Frank Grace Henry Irene Jack Karen Leo Mary Nick Olive "
    "Paul Rose Sam Tina Victor",
    "dev": "Bella Carl Dora Eric Flora Glen Hilda Ivan Jenny Kurt Lydia Mark",
    "test": "Alice Bruno Cora Dennis Ella Felix Gloria Hugo Ida Julian Kate Luke Marta Noel Oscar "
    "Petra Ralph Sonia Tom Vera",
}
_LAST = {
    "train": "Adams Baker Carter Dixon Evans Foster Green Hill Irwin Jones Kelly Lewis Mason "
    "Norris Owen Parker Reed Smith Turner Walsh",
    "dev": "Archer Boyd Clarke Drake Ellis Flynn Gibson Hayes Ingram Jarvis Knight Lloyd",
    "test": "Abbott Barnes Cole Doyle Emery Fisher Grant Harper Ives Jensen Keller Lambert Moore "
    "Nolan Ortiz Price Quinn Rowe Stone Vance",
}
_STEM = {
    "train": "Ash Mill Oak Brad Stan Clif Wood Thorn Lang Kings Har Wal Red Pem Elm Tor Win Gran Hol Mar",
    "dev": "Fen Gold Hart Lin Rush Black Crow Dun",
    "test": "Birch Cold Dray Ever Fox Hazel Iron Kel Lark Moss Nor Otter Pine Quill Rock Silver Tan Under Vale West",
}
_ENDING = {
    "train": "ford bury ton ham ley field worth den",
    "dev": "wick mouth stead combe",
    "test": "ville moor port haven crest gate dale burn",
}
_ADJECTIVE = {
    "train": "Brave Quiet Golden Broken Hidden Silent Happy Bright Distant Early Gentle Lonely "
    "Royal Secret Simple Sunny Swift Wild Windy Young",
    "dev": "Ancient Bitter Clever Dusty Empty Frozen Honest Narrow Purple Velvet",
    "test": "Amber Bold Calm Crimson Daring Eastern Famous Grand Humble Jolly Last Lucky Midnight "
    "Noble Old Proud Rapid Scarlet Tall Warm",
}
_NOUN = {
    "train": "River Garden Star Bridge Song Winter Tower Forest Island Letter Morning Ocean Road "
    "Shadow Summer Swan Table Valley Window Horse",
    "dev": "Candle Desert Engine Feather Harvest Lantern Mirror Ribbon Thunder Whistle",
    "test": "Arrow Beacon Castle Dream Eagle Falcon Giant Hammer Jewel Kingdom Lion Moon Night "
    "Orchid Pilot Queen Raven Storm Tiger Wolf",
}
_ANIMAL = {
    "train": "Biscuit Daisy Ginger Lucky Max Nala Pepper Rex Sandy Toby Bella Coco Duke Honey "
    "Jasper Milo Pip Rusty Shadow Zoe",
    "dev": "Archie Bonnie Chester Dolly Fudge Gus Hector Kiki Lola Monty Nutmeg Oreo Paddy Ruby "
    "Scout Tilly Ursa Waldo Yogi Ziggy",
    "test": "Amigo Bandit Cleo Dexter Ember Flash Gizmo Hazel Indie Juno Kobi Loki Mocha Nemo "
    "Otis Pixel Quincy Romeo Simba Tango",
}
_LETTERS = {"train": "ABCDEFGH", "dev": "JKLM", "test": "NPQRSTVW"}


def _pairs(first: str, second: str, joint: str) -> list[str]:
    return [a + joint + b for a in first.split() for b in second.split()]


def all_names(maker: str, split: str) -> list[str]:
    """Every name that `maker` can give in a split."""
    match maker:
        case "person":
            return _pairs(_FIRST[split], _LAST[split], " ")
        case "place":
            return _pairs(_STEM[split], _ENDING[split], "")
        case "title":
            return _pairs(_ADJECTIVE[split], _NOUN[split], " ")
        case "animal":
            return _ANIMAL[split].split()
        case "code":
            return [f"{letter}{number}" for letter in _LETTERS[split] for number in range(10, 100)]
    raise ValueError(f"no name maker {maker!r}")


def names(maker: str, split: str, dice: random.Random, count: int) -> list[str]:
    return dice.sample(all_names(maker, split), count)


MAKERS = ("person", "place", "title", "animal", "code")
