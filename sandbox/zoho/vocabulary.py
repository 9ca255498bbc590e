"""The words from which names of businesses and people are generated, in several scripts."""

FIRST_NAMES = (
    "Ada", "Amara", "Anil", "Aiko", "Beatriz", "Björn", "Carlos", "Chloé", "Deepa", "Dmitri", "Elif", "Emeka",
    "Fatima", "Félix", "Grace", "Hana", "Ibrahim", "Ingrid", "Jamal", "Jean-Luc", "Kavya", "Kofi", "Lakshmi", "Liam",
    "Mei", "Miguel", "Nadia", "Niamh", "Olga", "Omar", "Priya", "Quentin", "Rahul", "Rosa", "Sanjay", "Siobhán",
    "Thandi", "Tomás", "Uma", "Viktor", "Wanjiru", "Xin", "Yusuf", "Zoë", "अनिता", "محمد", "Ольга", "健",
)  # fmt: skip

LAST_NAMES = (
    "Abara", "Agarwal", "Andersson", "Banerjee", "Baptiste", "Costa", "D'Souza", "Diallo", "Eriksen", "Ferreira",
    "García", "Goldberg", "Hassan", "Hernández", "Iyer", "Jansen", "Kamau", "Kowalski", "Lindqvist", "MacLeod",
    "Mensah", "Müller", "Nakamura", "Ndlovu", "O'Brien", "Okafor", "Patel", "Petrov", "Qureshi", "Reddy", "Rossi",
    "Sato", "Schmidt", "Singh", "Smith", "Tanaka", "Thompson", "van der Berg", "Vargas", "Wang", "Watanabe", "Yılmaz",
    "शर्मा", "حسن", "Иванова", "田中",
)  # fmt: skip

TRADES = (
    "Bakery", "Carpets", "Ceramics", "Cold Storage", "Dairy", "Electrical", "Engineering", "Fabrics", "Foods",
    "Freight", "Garments", "Glass", "Hardware", "Hotels", "Interiors", "Joinery", "Landscaping", "Logistics",
    "Marine", "Optics", "Packaging", "Paints", "Pharma", "Plumbing", "Printing", "Robotics", "Roofing", "Solar",
    "Steel", "Tea", "Timber", "Tools", "Toys", "Textiles", "Tyres", "Veterinary", "Water", "Wines",
)  # fmt: skip

COMPANY_FORMS = ("Ltd", "LLC", "Inc.", "GmbH", "Pvt Ltd", "& Sons", "& Co.", "S.A.", "Pty Ltd", "Partners", "Group")

PLACES = (
    "Amber", "Bluewater", "Cedar", "Coastal", "Crescent", "Delta", "Eastgate", "Evergreen", "Falcon", "Golden",
    "Granite", "Harbour", "Highland", "Indigo", "Juniper", "Kestrel", "Lakeside", "Lotus", "Maple", "Meridian",
    "Monsoon", "Northern", "Oakridge", "Orchid", "Pacific", "Pioneer", "Quarry", "Riverside", "Saffron", "Silver",
    "Summit", "Sunrise", "Tidewater", "Union", "Valley", "Westend", "Willow", "Zenith", "Évian", "Ørsted",
)  # fmt: skip

WHOLE_NAMES_IN_OTHER_SCRIPTS = (
    "शर्मा ट्रेडर्स",
    "مؤسسة النور للتجارة",
    "ООО «Ромашка»",
    "株式会社さくら",
    "北京长城贸易有限公司",
    "Καφέ Αθήνα",
    "ร้านดอกไม้",
    "한빛 상사",
)

DEPARTMENTS = ("", "", "", "Accounts", "Finance", "Purchasing", "Operations")
DESIGNATIONS = ("", "", "", "Accountant", "Owner", "Manager", "Director", "Clerk")
SALUTATIONS = ("", "", "", "Mr.", "Mrs.", "Ms.", "Dr.")
