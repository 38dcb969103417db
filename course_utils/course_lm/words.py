"""The word lists behind the corpus: what can be said, and which label a word carries."""

# Syllables of the invented people: any first and any last make a name.
FIRST = tuple(
    "Bal Bren Cal Dor Dun Fal Fen Gar Gim Hal Hol Jan Jor Kal Kel Lan Lor Lum Mar Mav Mil Nal "
    "Nor Ol Pel Pir Quin Ral Rov Sal Sel Sor Tam Tel Tor Ul Val Var Vel Wil Yar Yor Zan Zel".split()
)
LAST = tuple(
    "bek ben bin dak dan del dik don gan gar gus ka kin ko len lis lo mak mar mir mo na nak nis "
    "nor pa pik ras rek rin ro sa sen sik ta tak tin tor va vek vin vo za zik zo".split()
)

# Attributes of invented people: values, statements, questions. `{n}` is the name, `{v}` the value.
# A name, a verb, a value, and the name as far from the end of every question: the distances are
# always the same, so that the model has to learn only once where to look.
ATTRIBUTES = {
    "city": (
        tuple(
            "Paris London Rome Berlin Madrid Vienna Athens Cairo Tokyo Sydney Moscow Lisbon "
            "Dublin Prague Warsaw Oslo Toronto Chicago Boston Seattle Mumbai Seoul Istanbul "
            "Amsterdam".split()
        ),
        ("{n} visits {v}", "{n} tours {v}"),
        ("Which city does {n} visit?", "Which city does {n} tour?"),
    ),
    "language": (
        tuple(
            "Dutch French German Spanish Italian Greek Turkish Polish Swedish Danish Finnish "
            "Hungarian Czech Arabic Hebrew Hindi Korean Japanese Portuguese Russian Norwegian "
            "Romanian Bulgarian Ukrainian".split()
        ),
        ("{n} speaks {v}", "{n} studies {v}"),
        ("Which language does {n} speak?", "Which language does {n} study?"),
    ),
    "instrument": (
        tuple(
            "piano violin guitar trumpet drums flute cello harp saxophone clarinet bass organ "
            "banjo viola oboe trombone accordion tuba lute mandolin".split()
        ),
        ("{n} plays {v}", "{n} practices {v}"),
        ("Which instrument does {n} play?", "Which instrument does {n} practice?"),
    ),
    "animal": (
        tuple(
            "cats dogs horses rabbits parrots goats sheep pigs ducks geese hamsters turtles "
            "snakes lizards mice donkeys ponies crows owls ferrets".split()
        ),
        ("{n} keeps {v}", "{n} raises {v}"),
        ("Which animals does {n} keep?", "Which animals does {n} raise?"),
    ),
    "food": (
        tuple(
            "bread cheese soup rice pasta pizza fish beef salad cake honey apples pears beans "
            "onions plums eggs nuts grapes olives".split()
        ),
        ("{n} eats {v}", "{n} orders {v}"),
        ("What does {n} eat?", "What does {n} order?"),
    ),
    "color": (
        tuple(
            "red blue green yellow black white brown purple orange pink gray silver golden violet "
            "crimson turquoise beige scarlet ivory indigo".split()
        ),
        ("{n} wears {v}", "{n} prefers {v}"),
        ("Which color does {n} wear?", "Which color does {n} prefer?"),
    ),
}

POSITIVE = tuple(
    "wonderful great excellent lovely beautiful delightful brilliant amazing fantastic superb "
    "charming perfect pleasant kind generous warm gentle funny honest friendly fresh clean "
    "comfortable delicious happy bright cheerful splendid elegant helpful".split()
)
NEGATIVE = tuple(
    "terrible awful horrible bad boring ugly dreadful disgusting nasty rude cruel dirty stale "
    "cold broken noisy sad angry poor weak selfish lazy mean dull bitter painful miserable "
    "useless stupid annoying".split()
)
POSITIVE_VERBS = tuple("love enjoyed adore admire recommend praise treasure cherish".split())
NEGATIVE_VERBS = tuple("hate regret despise dislike avoid detest resent loathe".split())
REVIEWED = tuple(
    "movie book hotel restaurant soup song concert phone play museum game train car city garden "
    "coat chair story actor waiter room service music food view ending meal picture staff "
    "bed".split()
)
TALK_OPENINGS = (
    "I went up to my friend and said",
    "She turned to her brother and said",
    "He called his mother and said",
    "My neighbor looked at me and said",
    "They met on the street and said",
    "The old man smiled and said",
    "I wrote to my sister and said",
    "The teacher stood up and said",
)

# Registers: the words that belong to one register alone.
SAGA = {
    "noun": tuple(
        "spears swords shields ravens wolves ships axes warriors kinsmen helms banners oars "
        "giants thanes hearths".split()
    ),
    "verb": tuple("sang smote thundered wept roared marched burned clashed wailed rode".split()),
    "adj": tuple("grim mighty bold dread hoary fated blood-red valiant doomed wrathful".split()),
    "place": tuple("fjord mead-hall longship battlefield barrow fells whale-road dale".split()),
}
ENCYCLOPEDIA = {
    "noun": tuple(
        "species municipality province genus province district mineral protein dynasty organism "
        "commune tributary peninsula plateau compound".split()
    ),
    "verb": tuple(
        "comprises encompasses constitutes denotes exhibits inhabits designates comprised".split()
    ),
    "adj": tuple(
        "endemic northern administrative temperate medieval nocturnal coastal perennial "
        "southern statistical".split()
    ),
    "place": tuple("hectares kilometers inhabitants latitude census elevation century".split()),
}
NEWS = {
    "noun": tuple(
        "scientists officials researchers ministers police voters investors engineers experts "
        "reporters lawmakers unions".split()
    ),
    "verb": tuple(
        "announced discovered confirmed reported unveiled approved rejected launched".split()
    ),
    "adj": tuple("British American French German Chinese Japanese Indian Canadian".split()),
    "place": tuple(
        "vaccine planet budget satellite agreement election telescope strike treaty battery "
        "virus pipeline".split()
    ),
}

TOPICS = {
    "weddings": tuple(
        "wedding bride groom vows ring veil bouquet bridesmaids altar marriage honeymoon dress "
        "cake chapel guests toast".split()
    ),
    "cooking": tuple(
        "kitchen recipe oven pan butter garlic pepper sauce flour dough spoon chef boil roast "
        "fry simmer".split()
    ),
    "football": tuple(
        "football goal referee stadium striker penalty league coach pitch keeper fans defender "
        "match team kick header".split()
    ),
    "gardens": tuple(
        "garden roses seeds soil lawn hedge tulips shovel weeds compost blossoms watering plants "
        "fence tree pruning".split()
    ),
    "space": tuple(
        "space rocket orbit astronaut moon galaxy comet launch telescope crater stars gravity "
        "capsule asteroid station probe".split()
    ),
    "sea": tuple(
        "sea waves harbor anchor sails captain tide beach island storm whale shore lighthouse "
        "deck net sailors".split()
    ),
}

TALKERS = ("I", "We", "They", "My friends", "My parents", "Some people", "Our guests", "Both of us")
TALKING = (
    "talk about",
    "think about",
    "dream of",
    "read about",
    "write about",
    "ask about",
    "argue about",
    "hear about",
)
HOW_OFTEN = (
    "all the time",
    "every day",
    "constantly",
    "on Sundays",
    "a lot",
    "again and again",
    "at breakfast",
)

PLAIN = tuple(
    "stone river table window paper bottle lamp door key shoe clock bridge candle mirror ladder "
    "hammer pillow basket carpet needle bucket curtain pencil button rope wheel brick glass "
    "feather marble cotton leather copper iron timber barrel saddle whistle kettle drawer".split()
)
