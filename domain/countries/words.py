"""Names of countries that the libraries lack: everyday names, names that several countries share, and non-countries.

The keys of the tables have the form that `domain.folding.folded` returns.
"""

#: Each group of names states the reason for its entries. A test checks that no name repeats an English name of a
#: library.
ALIASES = {
    # Reserved codes: "UK" is the United Kingdom's own, "EL" the European Union's for Greece, the others Kosovo's.
    "uk": "GB",
    "el": "GR",
    "xkx": "XK",
    "xkk": "XK",
    # Abbreviations.
    "uae": "AE",
    "ksa": "SA",
    "rsa": "ZA",
    "prc": "CN",
    "prchina": "CN",
    "pchina": "CN",
    "drc": "CD",
    "drcongo": "CD",
    "congodr": "CD",
    "congodrc": "CD",
    "fyrom": "MK",
    "roc": "TW",
    # Parts of the United Kingdom, and of its name.
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northernireland": "GB",
    "englandandwales": "GB",
    "greatbritain": "GB",
    "britain": "GB",
    "greatbritainandnorthernireland": "GB",
    # Everyday names.
    "america": "US",
    "bharat": "IN",
    "bosnia": "BA",
    "eire": "IE",
    "hindustan": "IN",
    "holland": "NL",
    "holysee": "VA",
    "korea": "KR",  # in business it means South Korea
    "macau": "MO",
    "mainlandchina": "CN",
    "republicofireland": "IE",
    "russianfed": "RU",
    "saudi": "SA",
    "trinidad": "TT",
    # Former names. A country that has broken up has no entry.
    "burma": "MM",
    "easttimor": "TL",
    "ivorycoast": "CI",
    "zaire": "CD",
    # Official forms that ISO does not list, has changed, or lists without their article.
    "commonwealthofaustralia": "AU",
    "formeryugoslavrepublicofmacedonia": "MK",
    "republicofcongo": "CG",
    "republicofkosovo": "XK",
    "republicofmacedonia": "MK",
    "republicoftheunionofmyanmar": "MM",
    "republicofturkey": "TR",
    "unionofmyanmar": "MM",
    "libyanarabjamahiriya": "LY",
    "palestinianterritoryoccupied": "PS",
    # China's special regions and Taiwan, as ISO, the United Nations and forms write them.
    "hongkongsar": "HK",
    "hongkongchina": "HK",
    "macausar": "MO",
    "macaosar": "MO",
    "macauchina": "MO",
    "macaochina": "MO",
    "taiwanroc": "TW",
    "taiwanchina": "TW",
}

#: Names that several countries share, although a library gives them to one.
AMBIGUOUS = frozenset(
    {
        "na",  # Namibia's code as a code; as a text it may be "not applicable"
        "republicofchina",  # Taiwan's own name, and a mistake for the People's Republic
        "saintmartin",  # two countries share the island
        "stmartin",
        "virginislands",
    }
)

#: Words that forms and exports put into a field without a country.
NOTHING = frozenset(
    {
        "",
        "0",
        "blank",
        "choose",
        "country",
        "empty",
        "nan",
        "nil",
        "none",
        "notapplicable",
        "notavailable",
        "notknown",
        "notprovided",
        "notset",
        "notspecified",
        "null",
        "other",
        "others",
        "pleaseselect",
        "select",
        "selectacountry",
        "selectcountry",
        "tba",
        "tbd",
        "undefined",
        "unknown",
        "unspecified",
        "xx",  # ISO leaves "XX" and "ZZ" to users, who use them for an unknown country
        "zz",
    }
)

_OWN_CODES = {
    "CN": ("HK", "MO", "TW"),
    "FR": ("BL", "GF", "GP", "MF", "MQ", "NC", "PF", "PM", "RE", "TF", "WF", "YT"),
    "NL": ("AW", "CW", "SX"),
    "SH": ("AC", "TA"),
    "US": ("AS", "GU", "MP", "PR", "UM", "VI"),
}

#: Subdivisions (ISO 3166-2) that are also countries of ISO 3166-1, with their own numbers and clocks.
TERRITORIES = {f"{state}-{code}": code for state, codes in _OWN_CODES.items() for code in codes} | {
    "FI-01": "AX",
    "FR-971": "GP",
    "FR-972": "MQ",
    "FR-973": "GF",
    "FR-974": "RE",
    "FR-976": "YT",
    "NL-BQ1": "BQ",
    "NL-BQ2": "BQ",
    "NL-BQ3": "BQ",
    "NO-21": "SJ",
    "NO-22": "SJ",
    "RS-KM": "XK",
}

#: Calling codes that a country shares with small neighbours of the same clock: Jersey, the Vatican, Svalbard, Åland.
#: Codes shared by countries with different clocks (+1, +7, +61, +212, +262 …) do not identify a country.
SHARED_CALLING_CODES = {39: "IT", 44: "GB", 47: "NO", 358: "FI"}
