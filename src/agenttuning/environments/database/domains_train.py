"""The domains of the train split, in the notation of `scene.parse`.

Each table: its key first, then its columns. ``coast:north|south`` is a choice, ``depth:5-60`` a whole
number, ``price:2.0-9.5`` a decimal one, ``opened:@1850-1990`` a year, and a bare table's name points at that
table's key.
"""

TRAIN = {
    "library": (
        "branch(name:place, district:north|south|centre|river, shelves:20-90, opening_year:@1890-1990)",
        "book(title:title, branch, genre:novel|poetry|history|science|travel, pages:90-600, copies:2-40)",
        "loan(code:code, book, member:person, status:open|returned|overdue, days:1-60)",
    ),
    "harbour": (
        "harbour(name:place, coast:northern|southern|eastern|western, depth:5-40, berths:4-80)",
        "ship(name:title, harbour, cargo:coal|timber|grain|salt, length:40-250, crew:5-60)",
    ),
    "orchard": (
        "orchard(name:place, soil:clay|sand|loam|chalk, area:3-90, trees:100-900)",
        "harvest(code:code, orchard, fruit:apple|pear|plum|cherry, weight:50-900, crates:4-90)",
    ),
    "clinic": (
        "doctor(name:person, specialty:heart|skin|eyes|bones, experience:1-40, fee:30-200)",
        "patient(name:person, doctor, blood_type:A|B|AB|O, age:1-95, visits:1-40)",
    ),
    "railway": (
        "station(name:place, region:coastland|lowland|upland|city, platforms:1-24, opening_year:@1840-1960)",
        "train(code:code, station, service:express|local|freight|sleeper, speed:60-220, coaches:2-30)",
    ),
    "bakery": (
        "bakery(name:title, street:Church Street|Market Street|Mill Lane, ovens:1-24, staff:2-40)",
        "bread(code:code, bakery, flour:wheat|rye|spelt|oat, price:1.5-9.5, weight:200-950)",
    ),
    "museum": (
        "gallery(name:title, floor:ground|first|second|basement, area:40-400, guards:1-25)",
        "painting(title:title, gallery, style:modern|baroque|folk|gothic, painting_year:@1650-1990, value:100-950)",
        "restorer(name:person, painting, method:cleaning|varnish|relining, hours:5-120, fee:100-900)",
    ),
    "football": (
        "club(name:place, league:premier|championship|amateur, points:10-95, goals:15-99)",
        "player(name:person, club, position:keeper|defender|striker|midfielder, age:17-42, caps:1-120)",
    ),
    "farm": (
        "barn(code:code, side:left|right|front|back, capacity:10-120, height:3-40)",
        "cow(name:animal, barn, breed:Jersey|Angus|Hereford|Galloway, weight:300-900, milk:5-60)",
    ),
    "cinema": (
        "film(title:title, type:drama|comedy|horror|western, minutes:70-200, rating:1.0-9.9)",
        "screening(code:code, film, day:Monday|Tuesday|Friday|Sunday, seats:20-300, tickets:5-200)",
    ),
    "hotel": (
        "hotel(name:title, city:Paris|Rome|Vienna|Lisbon, rooms:10-300, stars:1-30)",
        "guest(name:person, hotel, country:France|Italy|Spain|Norway, nights:1-30, bill:50-950)",
    ),
    "school": (
        "teacher(name:person, subject:maths|physics|music|art, salary:200-950, lessons:5-40)",
        "pupil(name:person, teacher, house:red|blue|yellow|white, grade:40-100, absences:1-40)",
    ),
    "garage": (
        "mechanic(name:person, skill:brakes|engines|tyres|paint, wage:12-60, experience:1-35)",
        "car(code:code, mechanic, maker:Ford|Volvo|Fiat|Honda, mileage:10-300, repair_cost:50-900)",
    ),
    "zoo": (
        "enclosure(code:code, zone:jungle|savanna|arctic|wetland, size:20-400, keepers:1-30)",
        "animal(name:animal, enclosure, species:bear|zebra|monkey|otter, age:1-40, food:2-90)",
    ),
    "shop": (
        "supplier(name:person, town:Leeds|Bath|York|Derby, distance:5-200, discount:1-40)",
        "product(name:title, supplier, category:toy|tool|lamp|clock, price:2-90, stock:1-200)",
        "sale(code:code, product, channel:online|phone|counter, quantity:1-60, total:20-900)",
    ),
    "concert": (
        "band(name:title, music:jazz|rock|blues|soul, albums:1-30, founding_year:@1950-2015)",
        "concert(code:code, band, hall:upper hall|main hall|club hall, audience:80-950, ticket_price:10-90)",
    ),
    "bus": (
        "driver(name:person, shift:day|evening|weekend, years:1-40, salary:200-900)",
        "route(code:code, driver, vehicle:minibus|tram|coach|trolley, stops:4-60, length:5-90)",
    ),
    "gym": ("runner(name:person, team:hawks|bears|foxes|sharks, age:16-60, distance:20-200, medals:1-40)",),
    "weather": ("gauge(name:place, river:Avon|Trent|Severn|Tyne, rainfall:5-120, wind:3-90, sunshine:1-60)",),
    "garden": ("plant(name:title, bed:rose|herb|fern, colour:pink|orange|violet, height:5-200, price:2-60)",),
    "office": (
        "department(name:title, building:annex|tower|pavilion, budget:100-950, desks:5-90)",
        "employee(name:person, department, role:clerk|analyst|manager|lawyer, salary:20-99, age:19-66)",
    ),
}
