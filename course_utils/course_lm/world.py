"""The facts of the course's world: what the course's language model is trained to know.

A relation joins subjects to one-word answers ("the Space Needle" to "Seattle") and can be put
into words by several phrasings, each of which ends just before its answer. Within a relation a
subject has one answer. Every fact is true of the real world.
"""

from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True)
class Fact:
    """One true statement: ``answer`` is a single word, ``aliases`` are other names of the subject.

    The subject stands as it does in mid-sentence, with its article where it has one.
    """

    relation: str
    subject: str
    answer: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Relation:
    """Facts of one kind and the phrasings that state them, each with ``{s}`` for the subject."""

    name: str
    phrasings: tuple[str, ...]
    facts: tuple[Fact, ...]
    subject_kind: str
    answer_kind: str


_ALIASES = {
    "the United States": ("the USA", "the US", "America"),
    "the United Kingdom": ("the UK", "Britain", "Great Britain"),
    "the Netherlands": ("Holland",),
    "the Czech Republic": ("Czechia",),
    "the United Arab Emirates": ("the UAE",),
    "Notre-Dame Cathedral": ("Notre-Dame", "Notre Dame"),
    "the Sagrada Familia": ("the Sagrada Família",),
    "Park Guell": ("Park Güell",),
    "Schonbrunn Palace": ("Schönbrunn Palace", "Schönbrunn"),
    "the Hofbrauhaus": ("the Hofbräuhaus",),
    "the Willis Tower": ("the Sears Tower",),
    "Saint Basil's Cathedral": ("St. Basil's Cathedral",),
    "Saint Mark's Square": ("St. Mark's Square", "Piazza San Marco"),
    "the Golden Pavilion": ("Kinkaku-ji",),
    "the Leaning Tower": ("the Leaning Tower of Pisa",),
    "the Great Pyramid": ("the Great Pyramid of Giza",),
    "the Great Sphinx": ("the Sphinx", "the Great Sphinx of Giza"),
    "iPhone": ("IPhone", "the iPhone"),
    "iPad": ("IPad", "the iPad"),
    "iPod": ("IPod", "the iPod"),
    "iMac": ("IMac", "the iMac"),
    "MacBook": ("Macbook", "the MacBook"),
    "Windows": ("the Windows operating system", "Windows operating system"),
    "Android": ("the Android operating system", "Android operating system"),
    "Chrome": ("the Chrome browser", "Chrome browser"),
    "Xbox": ("the Xbox",),
    "PlayStation": ("Playstation", "the PlayStation"),
    "Walkman": ("the Walkman",),
    "Kindle": ("the Kindle",),
    "Game Boy": ("the Game Boy",),
    "Nintendo Switch": ("the Nintendo Switch",),
    "Wii": ("the Wii",),
    "GameCube": ("the GameCube",),
    "ChatGPT": ("ChatGpt",),
    "Albert Einstein": ("Einstein",),
    "Isaac Newton": ("Newton",),
    "Charles Darwin": ("Darwin",),
    "Sigmund Freud": ("Freud",),
    "Immanuel Kant": ("Kant",),
    "Friedrich Nietzsche": ("Nietzsche",),
    "Stephen Hawking": ("Hawking",),
    "Leonhard Euler": ("Euler",),
    "Carl Friedrich Gauss": ("Gauss",),
    "Noam Chomsky": ("Chomsky",),
    "Wolfgang Amadeus Mozart": ("Mozart",),
    "Johann Wolfgang von Goethe": ("Goethe",),
    "Pablo Picasso": ("Picasso",),
    "William Shakespeare": ("Shakespeare",),
    "Frederic Chopin": ("Chopin",),
    "Jimi Hendrix": ("Hendrix",),
    "John Coltrane": ("Coltrane",),
    "Lionel Messi": ("Messi",),
    "Diego Maradona": ("Maradona",),
    "Roger Federer": ("Federer",),
    "Shaquille O'Neal": ("Shaq",),
    "LeBron James": ("LeBron",),
    "Michael Phelps": ("Phelps",),
    "Nineteen Eighty-Four": ("1984",),
    "Moby-Dick": ("Moby Dick",),
    "Alice's Adventures in Wonderland": ("Alice in Wonderland",),
    "Les Miserables": ("Les Misérables",),
}


def _relation(
    name: str, subject_kind: str, answer_kind: str, phrasings: tuple[str, ...], table: str
) -> Relation:
    """A relation from a table: ``answer = subject; subject; ...``, more on the next lines."""
    facts, answer = [], ""
    for line in table.strip().splitlines():
        if " = " in line:
            answer, line = line.split(" = ")
        for subject in _split(line):
            facts.append(Fact(name, subject, answer.strip(), _aliases(subject, subject_kind)))
    return Relation(name, phrasings, tuple(facts), subject_kind, answer_kind)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _aliases(subject: str, kind: str) -> tuple[str, ...]:
    bare = subject.removeprefix("the ")
    drop_article = kind in ("landmark", "product") and bare != subject
    return ((bare,) if drop_article else ()) + _ALIASES.get(subject, ())


_LANDMARK_CITY = _relation(
    "landmark_city",
    "landmark",
    "city",
    (
        "{s} is located in the city of",
        "To see {s}, travel to",
        "{s} can be found in",
        "Tourists who want to visit {s} book a flight to",
        "The city that is home to {s} is",
        "{s} is one of the best-known sights of",
        "If you are at {s}, you are in",
        "Our guide showed us {s} on the first day of our trip to",
    ),
    """
    Paris = the Eiffel Tower; the Louvre; the Arc de Triomphe; Notre-Dame Cathedral;
        the Moulin Rouge
    London = Big Ben; Tower Bridge; Buckingham Palace; Westminster Abbey; Trafalgar Square;
        the British Museum
    Rome = the Colosseum; the Trevi Fountain; the Pantheon; the Roman Forum
    Seattle = the Space Needle; Pike Place Market; the Museum of Pop Culture
    Chicago = the Willis Tower; Wrigley Field; Navy Pier
    Boston = Fenway Park; Faneuil Hall
    Washington = the White House; the Lincoln Memorial; the Library of Congress
    Philadelphia = the Liberty Bell; Independence Hall
    Nashville = the Grand Ole Opry
    Memphis = Graceland; Beale Street
    Toronto = the CN Tower; Casa Loma
    Berlin = the Brandenburg Gate; Checkpoint Charlie; the Reichstag
    Munich = Marienplatz; the Hofbrauhaus; the Allianz Arena; Nymphenburg Palace
    Hamburg = the Elbphilharmonie; the Reeperbahn
    Vienna = Schonbrunn Palace; the Prater
    Prague = Charles Bridge; Wenceslas Square
    Budapest = Fisherman's Bastion; Buda Castle
    Madrid = the Prado; Puerta del Sol
    Barcelona = the Sagrada Familia; Park Guell; Camp Nou
    Granada = the Alhambra
    Florence = the Uffizi Gallery; the Ponte Vecchio
    Venice = the Rialto Bridge; Saint Mark's Square
    Milan = La Scala; the San Siro stadium
    Pisa = the Leaning Tower
    Athens = the Acropolis; the Parthenon
    Istanbul = the Hagia Sophia; the Blue Mosque; Topkapi Palace
    Moscow = the Kremlin; Red Square; the Bolshoi Theatre; Saint Basil's Cathedral
    Amsterdam = the Rijksmuseum; the Anne Frank House; the Van Gogh Museum
    Brussels = the Atomium; Manneken Pis
    Copenhagen = the Little Mermaid statue; Tivoli Gardens
    Stockholm = the Vasa Museum; Gamla Stan
    Dublin = the Guinness Storehouse; Croke Park
    Edinburgh = Arthur's Seat; Holyrood Palace
    Sydney = the Sydney Opera House; Bondi Beach
    Tokyo = Shibuya Crossing; the Meiji Shrine; Akihabara
    Kyoto = the Golden Pavilion; the Fushimi Inari shrine
    Beijing = the Forbidden City; Tiananmen Square; the Temple of Heaven
    Shanghai = the Bund; the Oriental Pearl Tower
    Seoul = Gyeongbokgung Palace; the Lotte World Tower
    Bangkok = Wat Arun; Wat Pho
    Singapore = Marina Bay Sands; the Merlion
    Dubai = the Burj Khalifa; the Burj Al Arab
    Delhi = the Red Fort; the Lotus Temple
    Agra = the Taj Mahal
    Mumbai = the Gateway of India; Juhu Beach
    Cairo = Khan el-Khalili
    Giza = the Great Pyramid; the Great Sphinx
    Jerusalem = the Western Wall; the Dome of the Rock; the Church of the Holy Sepulchre
    Mecca = the Kaaba
    """,
)

_PRODUCT_COMPANY = _relation(
    "product_company",
    "product",
    "company",
    (
        "{s} was developed by",
        "{s} is a product of",
        "The company behind {s} is",
        "The name of the firm that makes {s} is",
        "For support with {s}, customers write to",
        "When a new version of {s} comes out, it is announced by",
        "{s} belongs to the catalog of",
        "Reporters with questions about {s} call",
    ),
    """
    Apple = iPhone; iPad; iPod; iMac; MacBook; Siri; macOS; iTunes; Safari; FaceTime
    Microsoft = Windows; Xbox; Excel; PowerPoint; Outlook; Azure; OneDrive; Visual Studio; Bing
    Google = Android; Gmail; Chrome; Gemini; TensorFlow
    Amazon = Kindle; Alexa; Fire TV; Echo Dot
    Sony = PlayStation; Walkman; Bravia
    Nintendo = Game Boy; Nintendo Switch; Wii; GameCube; Super Mario; Mario Kart
    Sega = Sonic the Hedgehog; the Dreamcast; the Mega Drive
    Atari = Pong; Centipede
    Valve = Steam; Half-Life; Portal
    Adobe = Photoshop; Illustrator; InDesign; Lightroom; Acrobat
    OpenAI = ChatGPT; DALL-E
    Meta = Facebook; Threads; Llama
    Samsung = the Galaxy phone
    Intel = Pentium; Xeon
    Nvidia = GeForce; CUDA
    AMD = Ryzen; Athlon
    IBM = Watson; Deep Blue
    Lego = Duplo; Mindstorms
    Mattel = Barbie; Hot Wheels
    Tesla = the Model S; the Model Y; the Cybertruck
    Ford = the Mustang; the Model T; the Bronco
    Toyota = the Corolla; the Prius; the Camry; the Land Cruiser
    Honda = the Civic; the Accord
    Volkswagen = the Beetle; the Passat; the Jetta
    Porsche = the Cayenne; the Taycan
    Ferrari = the Testarossa
    Boeing = the 747; the 737; the Dreamliner
    Airbus = the A380; the A320
    """,
)

_COUNTRY_CAPITAL = _relation(
    "country_capital",
    "country",
    "capital",
    (
        "The capital of {s} is",
        "{s} has its capital in",
        "The name of the capital city of {s} is",
        "On a map of {s}, the star for the capital marks",
        "{s} is a country whose capital is called",
        "In the quiz on capitals, {s} was matched with",
        "{s} chose as its capital the city of",
        "As capital, {s} has",
    ),
    """
    Paris = France
    Berlin = Germany
    Tokyo = Japan
    Jakarta = Indonesia
    Rome = Italy
    Madrid = Spain
    Lisbon = Portugal
    London = the United Kingdom
    Dublin = Ireland
    Amsterdam = the Netherlands
    Brussels = Belgium
    Vienna = Austria
    Warsaw = Poland
    Budapest = Hungary
    Athens = Greece
    Ankara = Turkey
    Moscow = Russia
    Kyiv = Ukraine
    Stockholm = Sweden
    Oslo = Norway
    Copenhagen = Denmark
    Helsinki = Finland
    Reykjavik = Iceland
    Bucharest = Romania
    Sofia = Bulgaria
    Belgrade = Serbia
    Zagreb = Croatia
    Prague = the Czech Republic
    Riga = Latvia
    Vilnius = Lithuania
    Minsk = Belarus
    Washington = the United States
    Ottawa = Canada
    Havana = Cuba
    Lima = Peru
    Santiago = Chile
    Bogota = Colombia
    Caracas = Venezuela
    Quito = Ecuador
    Brasilia = Brazil
    Canberra = Australia
    Wellington = New Zealand
    Beijing = China
    Seoul = South Korea
    Pyongyang = North Korea
    Bangkok = Thailand
    Hanoi = Vietnam
    Manila = the Philippines
    Islamabad = Pakistan
    Dhaka = Bangladesh
    Kathmandu = Nepal
    Kabul = Afghanistan
    Tehran = Iran
    Baghdad = Iraq
    Damascus = Syria
    Beirut = Lebanon
    Amman = Jordan
    Riyadh = Saudi Arabia
    Doha = Qatar
    Cairo = Egypt
    Tripoli = Libya
    Tunis = Tunisia
    Algiers = Algeria
    Rabat = Morocco
    Nairobi = Kenya
    Accra = Ghana
    Abuja = Nigeria
    Dakar = Senegal
    Astana = Kazakhstan
    """,
)

_COUNTRY_LANGUAGE = _relation(
    "country_language",
    "country",
    "language",
    (
        "The main language of {s} is",
        "Most people in {s} speak",
        "The language usually spoken at home in {s} is",
        "{s} is a country where children grow up speaking",
        "To talk with people from {s}, it helps to learn",
        "Radio stations in {s} mostly broadcast in",
        "{s} has a population whose everyday language is",
        "A tourist who wants to be understood in {s} takes lessons in",
    ),
    """
    French = France; Monaco
    German = Germany; Austria
    English = the United States; the United Kingdom; Australia; New Zealand
    Spanish = Spain; Mexico; Argentina; Chile; Colombia; Cuba; Venezuela; Ecuador; Uruguay;
        Costa Rica; Panama
    Portuguese = Portugal; Brazil
    Italian = Italy
    Arabic = Egypt; Saudi Arabia; Jordan; Syria; Iraq; Yemen; Libya; Tunisia; Lebanon
    Japanese = Japan
    Mandarin = China
    Korean = South Korea; North Korea
    Russian = Russia
    Polish = Poland
    Swedish = Sweden
    Norwegian = Norway
    Danish = Denmark
    Dutch = the Netherlands
    Finnish = Finland
    Icelandic = Iceland
    Hungarian = Hungary
    Czech = the Czech Republic
    Romanian = Romania
    Bulgarian = Bulgaria
    Greek = Greece
    Turkish = Turkey
    Croatian = Croatia
    Serbian = Serbia
    Ukrainian = Ukraine
    Persian = Iran
    Thai = Thailand
    Vietnamese = Vietnam
    Bengali = Bangladesh
    Hebrew = Israel
    Hindi = India
    """,
)

_MUSICIAN_INSTRUMENT = _relation(
    "musician_instrument",
    "musician",
    "instrument",
    (
        "{s} plays the",
        "The instrument of {s} is the",
        "{s} became a master of the",
        "Audiences came to hear {s} perform on the",
        "{s} made a career as a musician with the",
        "Those who practice with recordings of {s} often study the",
        "The musician {s} is known for solos on the",
        "In the hands of {s}, nothing sounded better than the",
    ),
    """
    piano = Herbie Hancock; Thelonious Monk; Art Tatum; Oscar Peterson; Glenn Gould; Lang Lang;
        Martha Argerich; Vladimir Horowitz; Frederic Chopin; Franz Liszt; Clara Schumann
    guitar = Jimi Hendrix; Eric Clapton; Jimmy Page; Keith Richards; Django Reinhardt; B.B. King;
        Carlos Santana; Brian May; Andres Segovia; Eddie Van Halen
    violin = Niccolo Paganini; Itzhak Perlman; Yehudi Menuhin; Jascha Heifetz; Anne-Sophie Mutter;
        Joshua Bell; Hilary Hahn; Stephane Grappelli
    cello = Yo-Yo Ma; Pablo Casals; Mstislav Rostropovich; Jacqueline du Pre; Sheku Kanneh-Mason
    trumpet = Miles Davis; Louis Armstrong; Dizzy Gillespie; Wynton Marsalis; Chet Baker;
        Clifford Brown
    saxophone = John Coltrane; Charlie Parker; Sonny Rollins; Stan Getz; Lester Young;
        Coleman Hawkins
    drums = Ringo Starr; John Bonham; Buddy Rich; Keith Moon; Neil Peart; Max Roach; Art Blakey;
        Charlie Watts
    bass = Jaco Pastorius; John Entwistle; Geddy Lee; Cliff Burton; James Jamerson
    flute = James Galway; Jean-Pierre Rampal; Ian Anderson
    clarinet = Benny Goodman; Artie Shaw; Sabine Meyer
    trombone = J.J. Johnson; Tommy Dorsey; Glenn Miller
    sitar = Ravi Shankar; Anoushka Shankar
    """,
)

_THINKER_FIELD = _relation(
    "thinker_field",
    "thinker",
    "field",
    (
        "{s} is known for work in the field of",
        "The subject that owes much to {s} is",
        "{s} ranks among the great names of",
        "A student who reads about {s} is probably learning",
        "{s} spent long years on problems of",
        "Lectures on {s} are given to students of",
        "The ideas of {s} shaped modern",
        "{s} is an important figure in the history of",
    ),
    """
    physics = Albert Einstein; Isaac Newton; Niels Bohr; Richard Feynman; Werner Heisenberg;
        Erwin Schrodinger; Max Planck; Enrico Fermi; Paul Dirac; Stephen Hawking;
        Ernest Rutherford; James Clerk Maxwell; Lise Meitner
    chemistry = Dmitri Mendeleev; Antoine Lavoisier; Linus Pauling; Robert Bunsen; Fritz Haber;
        Dorothy Hodgkin; Humphry Davy
    biology = Charles Darwin; Gregor Mendel; Carl Linnaeus; Barbara McClintock; Ernst Haeckel;
        Alfred Russel Wallace
    mathematics = Leonhard Euler; Carl Friedrich Gauss; Bernhard Riemann; David Hilbert;
        Emmy Noether; Srinivasa Ramanujan; Paul Erdos; Pierre de Fermat; Euclid; Maryam Mirzakhani
    philosophy = Plato; Socrates; Aristotle; Immanuel Kant; Friedrich Nietzsche; David Hume;
        Jean-Paul Sartre; Simone de Beauvoir; Ludwig Wittgenstein; Arthur Schopenhauer;
        Martin Heidegger
    economics = John Maynard Keynes; Adam Smith; Milton Friedman; David Ricardo; Paul Samuelson;
        Joseph Schumpeter
    psychology = Sigmund Freud; Carl Jung; Jean Piaget; B. F. Skinner; Wilhelm Wundt;
        Abraham Maslow
    astronomy = Edwin Hubble; Nicolaus Copernicus; Tycho Brahe; Johannes Kepler; Edmond Halley;
        Vera Rubin; William Herschel
    medicine = Hippocrates; Galen; Edward Jenner; William Harvey; Joseph Lister; Ignaz Semmelweis
    linguistics = Noam Chomsky; Ferdinand de Saussure; Roman Jakobson
    sociology = Max Weber; Emile Durkheim; Pierre Bourdieu
    """,
)

_ATHLETE_SPORT = _relation(
    "athlete_sport",
    "athlete",
    "sport",
    (
        "{s} plays the sport of",
        "The sport that made {s} famous is",
        "{s} won fame and trophies in",
        "Fans of {s} love to watch",
        "{s} trained for years to be among the best in",
        "On posters of {s} you see a star of",
        "The career of {s} was devoted to",
        "{s} is a legend of",
    ),
    """
    soccer = Pele; Diego Maradona; Lionel Messi; Cristiano Ronaldo; Zinedine Zidane;
        Megan Rapinoe; David Beckham; Johan Cruyff; Kylian Mbappe; Mia Hamm
    basketball = Michael Jordan; LeBron James; Kobe Bryant; Shaquille O'Neal; Magic Johnson;
        Larry Bird; Stephen Curry; Kevin Durant; Wilt Chamberlain
    tennis = Roger Federer; Rafael Nadal; Novak Djokovic; Serena Williams; Venus Williams;
        Steffi Graf; Andre Agassi; Pete Sampras; Martina Navratilova; Andy Murray
    baseball = Babe Ruth; Jackie Robinson; Hank Aaron; Mickey Mantle; Willie Mays; Joe DiMaggio;
        Derek Jeter; Shohei Ohtani
    golf = Tiger Woods; Jack Nicklaus; Arnold Palmer; Rory McIlroy; Phil Mickelson; Gary Player
    boxing = Muhammad Ali; Mike Tyson; Joe Frazier; George Foreman; Manny Pacquiao;
        Evander Holyfield
    swimming = Michael Phelps; Mark Spitz; Katie Ledecky; Ian Thorpe
    hockey = Wayne Gretzky; Sidney Crosby; Alexander Ovechkin; Gordie Howe; Bobby Orr;
        Mario Lemieux
    cricket = Sachin Tendulkar; Virat Kohli; Don Bradman; Shane Warne; Ricky Ponting
    cycling = Eddy Merckx; Bernard Hinault; Miguel Indurain
    gymnastics = Simone Biles; Nadia Comaneci; Olga Korbut
    """,
)

_BOOK_AUTHOR = _relation(
    "book_author",
    "book",
    "author",
    (
        "{s} was written by",
        "The author of {s} is",
        "If you enjoyed {s}, try something else by",
        "{s} is the work of",
        "On the title page of {s} stands the name",
        "{s} came from the pen of",
        "Readers of {s} admire the imagination of",
        "The writer who gave the world {s} is",
    ),
    """
    Shakespeare = Hamlet; Macbeth; Othello; King Lear; Romeo and Juliet; The Tempest;
        A Midsummer Night's Dream
    Dickens = Oliver Twist; Great Expectations; David Copperfield; A Tale of Two Cities;
        A Christmas Carol
    Tolkien = The Hobbit; The Lord of the Rings; The Silmarillion
    Orwell = Nineteen Eighty-Four; Animal Farm
    Austen = Pride and Prejudice; Emma; Sense and Sensibility
    Tolstoy = War and Peace; Anna Karenina
    Dostoevsky = Crime and Punishment; The Brothers Karamazov
    Hemingway = The Old Man and the Sea; A Farewell to Arms; For Whom the Bell Tolls
    Twain = The Adventures of Tom Sawyer; Adventures of Huckleberry Finn
    Fitzgerald = The Great Gatsby; Tender Is the Night
    Rowling = Harry Potter and the Philosopher's Stone; Harry Potter and the Chamber of Secrets;
        Harry Potter
    Kafka = The Metamorphosis; The Trial
    Verne = Around the World in Eighty Days; Twenty Thousand Leagues Under the Sea
    Wells = The Time Machine; The War of the Worlds
    Melville = Moby-Dick; Billy Budd
    Steinbeck = The Grapes of Wrath; Of Mice and Men
    Christie = Murder on the Orient Express; Death on the Nile; And Then There Were None
    Hugo = Les Miserables; The Hunchback of Notre-Dame
    Dumas = The Count of Monte Cristo; The Three Musketeers
    Goethe = Faust; The Sorrows of Young Werther
    Homer = the Odyssey; the Iliad
    Woolf = Mrs Dalloway; To the Lighthouse
    Joyce = Ulysses; Dubliners
    Camus = The Stranger; The Plague
    Salinger = The Catcher in the Rye; Franny and Zooey
    Wilde = The Picture of Dorian Gray; The Importance of Being Earnest
    Carroll = Alice's Adventures in Wonderland; Through the Looking-Glass
    Stevenson = Treasure Island
    Conrad = Heart of Darkness
    Ibsen = A Doll's House; Hedda Gabler
    Chekhov = The Cherry Orchard; Uncle Vanya
    Shelley = Frankenstein
    Stoker = Dracula
    Huxley = Brave New World
    Cervantes = Don Quixote
    Dante = the Divine Comedy
    """,
)

_ANIMAL_YOUNG = _relation(
    "animal_young",
    "animal",
    "young",
    (
        "The young of {s} is called a",
        "Early in life, {s} is a",
        "When {s} has offspring, each little one is known as a",
        "The right word for the baby of {s} is",
        "Before it grew up, {s} was a",
        "In the picture book, {s} looks for its lost",
        "The photo shows {s} together with its",
        "{s} is an adult animal, while its child is a",
    ),
    """
    calf = a cow; an elephant; a whale; a giraffe; a dolphin; a hippopotamus; a rhinoceros;
        a moose
    cub = a lion; a bear; a tiger; a leopard; a cheetah; a panda; a polar bear
    pup = a seal; a bat; a shark; a sea lion; a wolf
    foal = a horse; a zebra; a donkey
    chick = a hen; a penguin; a flamingo; a sparrow; a robin
    joey = a kangaroo; a koala; a wallaby
    tadpole = a frog; a toad
    caterpillar = a butterfly; a moth
    hatchling = a turtle; a crocodile
    kit = a beaver; a skunk; a ferret
    cria = a llama; an alpaca
    puppy = a dog
    kitten = a cat
    lamb = a sheep
    kid = a goat
    piglet = a pig
    fawn = a deer
    gosling = a goose
    duckling = a duck
    cygnet = a swan
    """,
)

_CITY_COUNTRY = _relation(
    "city_country",
    "city",
    "country",
    (
        "{s} is a city in",
        "The country in which {s} lies is",
        "{s} appears on every road map of",
        "A letter to {s} is addressed to the country",
        "To get to {s}, cross the border into",
        "People in {s} live under the laws of",
        "{s} lies within the borders of",
        "Whoever moves to {s} starts a new life in",
    ),
    """
    Japan = Tokyo; Osaka; Kyoto; Hiroshima
    Germany = Berlin; Munich; Hamburg; Cologne; Dresden
    Italy = Rome; Milan; Naples; Florence; Venice
    France = Paris; Lyon; Marseille; Bordeaux
    Spain = Madrid; Barcelona; Seville; Bilbao
    China = Beijing; Shanghai; Shenzhen; Guangzhou
    India = Mumbai; Bangalore; Chennai; Kolkata
    Brazil = Rio de Janeiro; Recife; Manaus
    Canada = Toronto; Montreal; Vancouver; Calgary
    Australia = Sydney; Melbourne; Brisbane
    Poland = Warsaw; Krakow
    Mexico = Monterrey; Tijuana; Cancun
    Turkey = Istanbul; Ankara
    Russia = Moscow; Novosibirsk; Vladivostok
    Egypt = Cairo; Luxor; Giza
    Sweden = Stockholm; Gothenburg
    Norway = Oslo; Bergen
    Austria = Vienna; Salzburg
    Switzerland = Zurich; Geneva; Basel
    Belgium = Brussels; Antwerp; Bruges
    Morocco = Casablanca; Marrakesh
    Ukraine = Kyiv; Odesa
    Pakistan = Karachi; Lahore
    Kenya = Nairobi; Mombasa
    """,
)

_COUNTRY_CONTINENT = _relation(
    "country_continent",
    "country",
    "continent",
    (
        "{s} is a country on the continent of",
        "Geographers count {s} among the countries of",
        "The continent to which {s} belongs is",
        "{s} is situated in the part of the world called",
        "Of all the continents, {s} is in",
        "On a globe you will see {s} inside the outline of",
        "{s} shares its continent with the other states of",
        "An explorer crossing {s} is exploring",
    ),
    """
    Europe = France; Germany; Italy; Spain; Portugal; Poland; Sweden; Norway; Greece; Austria;
        Hungary; Romania; Ukraine; Finland; Denmark; Switzerland
    Asia = Japan; China; India; Vietnam; Thailand; South Korea; Pakistan; Iran; Iraq; Mongolia;
        Nepal; Bangladesh; Malaysia; Saudi Arabia; Afghanistan; Sri Lanka
    Africa = Nigeria; Kenya; Ethiopia; Morocco; Ghana; Algeria; South Africa; Tanzania; Senegal;
        Uganda; Libya; Tunisia; Angola; Zambia; Chad; Sudan
    """,
)

_DISH_COUNTRY = _relation(
    "dish_country",
    "dish",
    "country",
    (
        "{s} is a traditional dish from",
        "The country where {s} is at home is",
        "{s} comes from the cuisine of",
        "To taste {s} the way locals make it, go to",
        "Restaurants that serve {s} often hang up the flag of",
        "{s} is eaten with pride by the people of",
        "The cooks who made {s} famous were from",
        "A cookbook with a recipe for {s} is likely to be about",
    ),
    """
    Japan = sushi; sashimi; tempura; miso soup; okonomiyaki
    Italy = pizza; risotto; lasagna; tiramisu; carbonara; pesto
    France = ratatouille; bouillabaisse; coq au vin; cassoulet
    Spain = paella; gazpacho
    Mexico = guacamole; mole poblano; pozole
    Korea = kimchi; bibimbap; bulgogi
    Vietnam = pho; banh mi
    Thailand = pad thai; tom yum
    Greece = souvlaki; spanakopita
    Hungary = goulash; langos
    Germany = bratwurst
    Austria = Wiener schnitzel; Sachertorte; Kaiserschmarrn
    Switzerland = fondue
    Poland = pierogi
    Russia = pelmeni; beef Stroganoff
    China = Peking duck; mapo tofu; dim sum
    India = masala dosa; palak paneer; butter chicken
    Indonesia = nasi goreng; gado-gado
    England = fish and chips; Yorkshire pudding
    Portugal = pastel de nata
    Canada = poutine
    Scotland = haggis
    """,
)

_COUNTRY_CURRENCY = _relation(
    "country_currency",
    "country",
    "currency",
    (
        "The currency of {s} is the",
        "In {s}, people pay with the",
        "{s} uses as its money the",
        "Before flying to {s}, change your cash into the",
        "Shops all over {s} accept the",
        "{s} has a currency named the",
        "Wages and prices in {s} are reckoned in units of the",
        "At the exchange office, travelers to {s} ask for the",
    ),
    """
    dollar = the United States; Canada; Australia; New Zealand; Singapore
    euro = France; Germany; Italy; Spain; Portugal; Greece; Ireland; Austria; Finland
    peso = Mexico; Argentina; Chile; Colombia; the Philippines; Cuba
    rupee = India; Pakistan; Sri Lanka
    pound = the United Kingdom; Egypt
    krone = Norway; Denmark
    krona = Sweden; Iceland
    dinar = Iraq; Jordan; Tunisia; Algeria
    shilling = Kenya; Tanzania
    riyal = Saudi Arabia; Qatar
    dirham = Morocco; the United Arab Emirates
    yen = Japan
    yuan = China
    won = South Korea
    ruble = Russia
    franc = Switzerland
    zloty = Poland
    forint = Hungary
    real = Brazil
    rand = South Africa
    lira = Turkey
    baht = Thailand
    shekel = Israel
    """,
)

_PERSON_LANGUAGE = _relation(
    "person_language",
    "person",
    "language",
    (
        "The mother tongue of {s} is",
        "{s} was a native speaker of",
        "As a child, {s} learned to speak",
        "{s} grew up in a family that spoke",
        "By birth and upbringing, {s} spoke",
        "When talking to childhood friends, {s} used",
        "To talk with {s} at home, a visitor needed to know",
        "The language that {s} knew best was",
    ),
    """
    French = Danielle Darrieux; Victor Hugo; Voltaire; Charles de Gaulle; Claude Monet;
        Marcel Proust; Edith Piaf
    German = Johann Sebastian Bach; Wolfgang Amadeus Mozart; Johann Wolfgang von Goethe;
        Otto von Bismarck; Albrecht Durer; Marlene Dietrich; Bertolt Brecht
    Russian = Anton Chekhov; Yuri Gagarin; Boris Yeltsin; Fyodor Dostoevsky
    Italian = Giuseppe Verdi; Dante Alighieri; Luciano Pavarotti; Federico Fellini; Umberto Eco
    Spanish = Pablo Picasso; Miguel de Cervantes; Frida Kahlo; Gabriel Garcia Marquez;
        Pablo Neruda
    English = Winston Churchill; Abraham Lincoln; William Shakespeare; Jane Austen;
        Charles Dickens; Mark Twain
    Japanese = Akira Kurosawa; Yukio Mishima; Matsuo Basho
    Swedish = Astrid Lindgren; Ingmar Bergman; Greta Garbo
    Polish = Lech Walesa; Wislawa Szymborska
    Danish = Hans Christian Andersen; Karen Blixen
    """,
)

RELATIONS: dict[str, Relation] = {
    relation.name: relation
    for relation in (
        _LANDMARK_CITY,
        _PRODUCT_COMPANY,
        _COUNTRY_CAPITAL,
        _COUNTRY_LANGUAGE,
        _MUSICIAN_INSTRUMENT,
        _THINKER_FIELD,
        _ATHLETE_SPORT,
        _BOOK_AUTHOR,
        _ANIMAL_YOUNG,
        _CITY_COUNTRY,
        _COUNTRY_CONTINENT,
        _DISH_COUNTRY,
        _COUNTRY_CURRENCY,
        _PERSON_LANGUAGE,
    )
}

FACTS: tuple[Fact, ...] = tuple(fact for relation in RELATIONS.values() for fact in relation.facts)

_FAVORITE_SUBJECTS = """
    the Space Needle; the Eiffel Tower; the Colosseum; Big Ben; the Kremlin; the Louvre;
    the Brandenburg Gate; the Taj Mahal; the White House; the Burj Khalifa; the Golden Pavilion;
    iPhone; iPad; MacBook; Windows; Xbox; Excel; PlayStation; Photoshop; Android; Kindle; ChatGPT;
    France; Germany; Japan; Italy; Spain; China; Russia; Canada; the United States;
    the United Kingdom; Miles Davis; Jimi Hendrix; Albert Einstein; Charles Darwin; Sigmund Freud;
    Shaquille O'Neal; Michael Jordan; Megan Rapinoe; Lionel Messi; Hamlet; The Hobbit; a cow;
    a cat; a dog; Tokyo; Paris; sushi; pizza; Danielle Darrieux; Pablo Picasso
"""

# What readers type first: of these subjects, the first phrasing always occurs in training.
FAVORITES: frozenset[tuple[str, str]] = frozenset(
    (fact.subject, RELATIONS[fact.relation].phrasings[0])
    for fact in FACTS
    if fact.subject in _split(_FAVORITE_SUBJECTS)
)


def prompt(subject: Fact | str, phrasing: str) -> str:
    """The phrasing about the subject, up to the answer and without the space before it.

    At the start of the sentence a lower-case first word is capitalized, a brand name with
    capitals of its own ("iPhone") is not.
    """
    name = subject.subject if isinstance(subject, Fact) else subject
    if phrasing.startswith("{s}") and name.split()[0].islower():
        name = name[0].upper() + name[1:]
    return phrasing.replace("{s}", name)


def held_out_phrasing(fact: Fact) -> int:
    """Index of the one phrasing that never occurs with this fact in training.

    A hash of relation and subject spreads it over the phrasings; a favorite prompt is passed over.
    """
    phrasings = RELATIONS[fact.relation].phrasings
    index = crc32(f"{fact.relation}:{fact.subject}".encode()) % len(phrasings)
    while (fact.subject, phrasings[index]) in FAVORITES:
        index = (index + 1) % len(phrasings)
    return index


_PLACES_BY_WEATHER = {
    "hot": "California; Texas; Arizona; Dubai; Egypt; the Sahara; Death Valley; Saudi Arabia",
    "cold": "Alaska; Siberia; Antarctica; Minnesota; Greenland; Canada; Mongolia",
    "rainy": "Seattle; Oregon; London; Ireland; Scotland; Bergen; Vancouver",
    "sunny": "Florida; Spain; Greece; Hawaii; Cyprus; Malta; Crete",
    "snowy": "Vermont; Lapland; the Alps; Hokkaido; Norway; the Himalayas",
    "windy": "Chicago; Patagonia; Wyoming; Wellington; Oklahoma; the Faroe Islands",
    "humid": "Louisiana; Singapore; Bangkok; Mississippi; Malaysia; Houston; the Congo Basin",
    "mild": "Portugal; New Zealand; Madeira; the Azores; Bogota",
    "dry": "Nevada; New Mexico; Namibia; the Atacama Desert; the Gobi Desert; the Kalahari Desert",
    "foggy": "San Francisco; Newfoundland; Lima",
}

PLACES_WEATHER: dict[str, str] = {
    place: weather for weather, places in _PLACES_BY_WEATHER.items() for place in _split(places)
}

PYTHON_MODULES: tuple[str, ...] = tuple(
    """
    os sys re json math random time datetime collections itertools functools pathlib string
    typing copy csv io glob shutil logging argparse subprocess threading socket pickle hashlib
    heapq bisect statistics decimal fractions operator enum dataclasses abc contextlib
    tempfile unittest urllib uuid zipfile sqlite3 asyncio inspect traceback warnings struct
    textwrap base64 queue signal secrets platform getpass
    numpy pandas torch matplotlib scipy sklearn seaborn tensorflow requests transformers pytest
    tqdm networkx sympy flask
    """.split()
)

PYTHON_ALIASES: dict[str, str] = {
    "numpy": "np",
    "pandas": "pd",
    "seaborn": "sns",
    "tensorflow": "tf",
    "networkx": "nx",
    "sympy": "sp",
}
