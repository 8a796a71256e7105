"""The words that invented people and places are put together from."""

from __future__ import annotations

FIRST_NAMES = (
    "Aaliyah", "Abigail", "Adam", "Aisha", "Alfie", "Amelia", "Amy", "Andrew", "Archie", "Ava", "Bethan", "Callum",
    "Catrin", "Charlotte", "Chloë", "Connor", "Daniel", "Declan", "Dylan", "Eilidh", "Ella", "Emily", "Ewan",
    "Fatima", "Freya", "George", "Grace", "Hamza", "Hannah", "Harry", "Imogen", "Isla", "Jack", "Jacob", "James",
    "Jasmine", "Jessica", "Jia-Hui", "Joseph", "Kayleigh", "Kieran", "Lauren", "Leo", "Lewis", "Lily", "Łukasz",
    "Małgorzata", "Megan", "Mohammed", "Molly", "Niamh", "Noah", "Oliver", "Olivia", "Owen", "Oğuz", "Phoebe",
    "Poppy", "Priya", "Rhys", "Róisín", "Ruby", "Ryan", "Samuel", "Siân", "Siobhán", "Sophie", "Thomas", "Tomasz",
    "William", "Yusuf", "Zara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Adeyemi", "Ahmed", "Ali", "Allen", "Bailey", "Baker", "Begum", "Bennett", "Brown", "Campbell", "Carter", "Chen",
    "Clarke", "Collins", "Cooper", "Cox", "D'Souza", "Davies", "Edwards", "Evans", "Fraser", "Fletcher", "García",
    "Green", "Griffiths", "Hall", "Harris", "Hughes", "Hussain", "Jackson", "Jenkins", "Johnson", "Jones", "Kaur",
    "Kelly", "Khan", "King", "Kowalczyk", "Lewis", "Lloyd-Jones", "MacDonald", "Martin", "McIntyre", "Mitchell",
    "Moore", "Morgan", "Müller", "Nguyễn", "Nowak", "O'Brien", "O\u2019Connor", "Okafor", "Patel", "Phillips",
    "Powell", "Price", "Pugh", "Quinn", "Rees", "Roberts", "Robinson", "Scott", "Shah", "Singh", "Smith",
    "Smythe-Barrington", "Stewart", "Taylor", "Thomas", "Turner", "van der Berg", "Walker", "Ward", "Watson", "White",
    "Williams", "Wilson", "Wood", "Wright", "Wójcik", "Young",
)  # fmt: skip
OTHER_SCRIPTS = (
    ("محمد", "الأحمد"), ("فاطمة", "الزهراء"), ("王", "小明"),
    ("美玲", "陳"), ("שרה", "כהן"), ("Анна", "Коваль"),
    ("प्रिया", "शर्मा"), ("Ngọc 🌸", "Trần"),
)  # fmt: skip

STREETS = (
    "Abbey Road", "Bridge Street", "Castle Lane", "Chapel Row", "Church Street", "Croft Avenue", "Factory Yard",
    "Gladstone Terrace", "Harbour View", "High Street", "King's Parade", "Mill Lane", "Moor End", "Orchard Way",
    "Park Crescent", "Queensway", "St. Mary's Close", "Station Approach", "Tŷ Gwyn", "Victoria Road",
)  # fmt: skip
TOWNS = (
    ("Leeds", "LS", "0113 496 0"), ("Sheffield", "S", "0114 496 0"),
    ("Nottingham", "NG", "0115 496 0"), ("Leicester", "LE", "0116 496 0"),
    ("Bristol", "BS", "0117 496 0"), ("Reading", "RG", "0118 496 0"),
    ("Birmingham", "B", "0121 496 0"), ("Edinburgh", "EH", "0131 496 0"),
    ("Glasgow", "G", "0141 496 0"), ("Liverpool", "L", "0151 496 0"),
    ("Manchester", "M", "0161 496 0"), ("Newcastle", "NE", "0191 498 0"),
    ("Caerdydd", "CF", "029 2018 0"), ("London", "SE", "020 7946 0"),
    ("Ynys Môn", "LL", "01632 960"),
)  # fmt: skip
COMPANIES = (
    "Acorn Nurseries", "Brightwater Care", "Café Zoë", "Dale & Sons", "Eastgate Motors", "Fernhill Dental",
    "Glen Joinery", "Hartwell Engineering", "Ivy Lane Salon", "Jubilee Bakery", "Kestrel Logistics",
    "Lôn Las Builders", "Meadow View School", "Northfield NHS Trust", "O'Hara Electrical", "Pennine Print",
)  # fmt: skip
COMPANY_ENDINGS = ("Ltd", "plc", "LLP", "(UK) Ltd", "\u2013 Head Office", "Group")
CENTRES = (
    "Westbrook Training", "Eastmoor College", "Northgate Skills", "Southfield Academy", "Dyffryn Learning",
    "Highcliff Apprenticeships", "Lowland Technical", "Riverside Care Training",
)  # fmt: skip
SUBJECTS = (
    "Business Admin", "Adult Care Worker", "Early Years Educator", "Team Leader", "Hairdressing", "Motor Vehicle",
    "Teaching Assistant", "Plumbing & Heating", "Customer Service", "Dental Nurse",
)  # fmt: skip
