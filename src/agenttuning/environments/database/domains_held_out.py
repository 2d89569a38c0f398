"""The domains of the dev and test splits: other trades, other tables, mostly other columns than in train.

The notation is that of `domains_train`.
"""

DEV = {
    "vineyard": (
        "vineyard(name:place, slope:steep|mild|flat, vines:100-900, altitude:50-600)",
        "wine(title:title, vineyard, grape:merlot|riesling|syrah|malbec, bottles:20-800, sugar:1-60)",
    ),
    "lighthouse": (
        "lighthouse(name:place, lamp:oil|gas|electric, steps:40-300, beam_range:5-60)",
        "keeper(name:person, lighthouse, post:chief|assistant|relief, service:1-45, pension:100-900)",
        "logbook(code:code, keeper, binding:cloth|vellum|card, entries:10-400, storms:1-60)",
    ),
    "aquarium": (
        "tank(code:code, water:salty|fresh|brackish, litres:100-950, filters:1-30)",
        "fish(name:animal, tank, family:tetra|cichlid|goby|wrasse, size:2-90, months:1-80)",
        "feeding(code:code, fish, feed:flakes|shrimp|algae, grams:1-90, minute:1-59)",
    ),
    "ski": (
        "slope(name:title, difficulty:novice|middle|expert, descent:100-900, gates:5-60)",
        "skier(name:person, slope, nation:Austria|Sweden|Japan|Canada, time:40-190, bib:1-99)",
    ),
    "print": ("poster(title:title, paper:matt|gloss|recycled, ink:50-400, sheets:10-900, proofs:1-40)",),
    "tailor": (
        "tailor(name:person, fabric:wool|linen|silk|cotton, charge:20-200, orders:2-60)",
        "suit(code:code, tailor, cut:slim|classic|loose, fittings:1-30, buttons:2-40)",
    ),
}

TEST = {
    "beekeeping": (
        "apiary(name:place, meadow:clover|heather|thistle|lavender, hives:4-60, elevation:20-700)",
        "beekeeper(name:person, apiary, mentor:Hanna|Jonas|Selma, honey:10-400, stings:1-80)",
    ),
    "mine": (
        "mine(name:place, ore:copper|zinc|nickel|tin, shafts:1-30, output:100-950)",
        "miner(name:person, mine, crew_name:alpha|beta|gamma|delta, tonnage:5-90, bonus:10-300)",
        "helmet(code:code, miner, shade:black|grey|beige, repairs:1-40, wear:5-95)",
    ),
    "airfield": (
        "airfield(name:place, surface:grass|gravel|asphalt, runway:300-950, hangars:1-30)",
        "glider(code:code, airfield, builder:Schleicher|Rolladen|Pipistrel, wingspan:9-40, flights:3-300)",
    ),
    "chess": (
        "tournament(name:title, format:swiss|knockout|arena, rounds:3-40, prize:50-950)",
        "contestant(name:person, tournament, opening:Sicilian|Slav|English|Dutch, wins:1-40, elo:800-2400)",
    ),
    "glacier": (
        "glacier(name:place, massif:granite|basalt|gneiss, thickness:20-400, retreat:1-90)",
        "camp(code:code, glacier, supply:sledge|helicopter|mule, tents:2-50, stay:1-60)",
        "explorer(name:person, camp, task:drilling|mapping|photography, samples:1-90, rations:4-99)",
    ),
    "pottery": (
        "kiln(name:title, fuel:propane|wood|charcoal, heat:700-1400, chambers:1-30)",
        "vase(code:code, kiln, glaze:celadon|cobalt|matte|ash, diameter:4-60, cracks:1-40)",
    ),
    "satellite": (
        "rocket(name:title, stage:single|double|triple, thrust:100-950, launches:1-60)",
        "satellite(code:code, rocket, orbit:polar|equatorial|lunar, mass:20-900, panels:1-40)",
    ),
    "radio": (
        "broadcaster(name:title, band_type:medium wave|short wave|long wave, listeners:20-900, masts:1-30)",
        "programme(title:title, broadcaster, topic:gardening|chess news|cooking|opera, duration:5-180, episodes:2-200)",
    ),
    "castle": (
        "castle(name:place, ruler:duke|bishop|baron|queen, towers:1-30, building_year:@1050-1650)",
        "knight(name:person, castle, emblem:lily|boar|griffin|oak, jousts:1-60, armour:10-90)",
        "squire(name:person, knight, duty:stable|sword|banner, wages:2-60, height_cm:120-199)",
    ),
    "cave": ("cave(name:place, rock:limestone|marble|gypsum, tunnels:2-60, bats:10-900, humidity:30-99)",),
    "kennel": (
        "handler(name:person, discipline:rescue|tracking|agility, licence_year:@1980-2020, pay:100-900)",
        "hound(name:animal, handler, coat:smooth|wiry|curly, trials:1-60, score:10-99)",
    ),
    "ferry": (
        "operator(name:title, flag:Malta|Panama|Cyprus, vessels:1-40, revenue:100-950)",
        "ferry(code:code, operator, crossing:strait|fjord|lagoon, lorries:5-120, knots:8-45)",
    ),
}
