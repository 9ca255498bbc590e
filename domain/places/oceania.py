"""States of Australia, New Zealand and the islands of the Pacific: names, postcodes and time zones."""

from domain.places.country import Country, State

_SYDNEY = ("Australia/Sydney",)
_BROKEN_HILL = ("Australia/Broken_Hill",)
_PERTH = ("Australia/Perth",)
_ADELAIDE = ("Australia/Adelaide",)
_DARWIN = ("Australia/Darwin",)

_AUSTRALIA = (
    # Broken Hill shares its postcode with villages on Sydney's time.
    State(
        "NSW",
        "New South Wales",
        {
            "1 2": _SYDNEY,
            "2880": _BROKEN_HILL + _SYDNEY,
            "2898": ("Australia/Lord_Howe",),
        },
    ),
    State("ACT", "Australian Capital Territory, Canberra", {"02 2600-2618 2900-2920": _SYDNEY}),
    State("JBT", "Jervis Bay Territory, Jervis Bay", {"": _SYDNEY}),
    State("VIC", "Victoria", {"3 8": ("Australia/Melbourne",)}),
    State("QLD", "Queensland", {"4 9": ("Australia/Brisbane",)}),
    # The Aboriginal lands of three states share 0872.
    State("SA", "South Australia", {"5 0872": _ADELAIDE}),
    State("WA", "Western Australia", {"6 0872": _PERTH, "6443": (*_PERTH, "Australia/Eucla")}),
    State("NT", "Northern Territory", {"08-09 0872": _DARWIN}),
    State("TAS", "Tasmania", {"7": ("Australia/Hobart",)}),
    # Separate countries in ISO 3166, but served by the Australian post.
    State("CX", "Christmas Island", {"6798": ("Indian/Christmas",)}),
    State("CC", "Cocos Islands, Cocos (Keeling) Islands, Cocos Keeling Islands", {"6799": ("Indian/Cocos",)}),
    State("NF", "Norfolk Island", {"2899": ("Pacific/Norfolk",)}),
)

_NEW_ZEALAND = (
    State(
        "mainland",
        "Auckland, AUK, Bay of Plenty, BOP, Canterbury, CAN, Gisborne, GIS, Hawke's Bay, HKB, Marlborough, MBH, "
        "Manawatū-Whanganui, Manawatu-Wanganui, Manawatu, MWT, Nelson, NSN, Northland, NTL, Otago, OTA, Southland, "
        "STL, Taranaki, TKI, Tasman, TAS, Waikato, WKO, Wellington, WGN, West Coast, WTC, North Island, South Island",
        {"0-9": ("Pacific/Auckland",)},
    ),
    State("CIT", "Chatham Islands, Chathams, Wharekauri", {"8942": ("Pacific/Chatham",)}),
)

_CHUUK = ("Pacific/Chuuk",)

_MICRONESIA = (
    State("TRK", "Chuuk, Truk", {"96942": _CHUUK}),
    State("YAP", "Yap", {"96943": _CHUUK}),
    State("PNI", "Pohnpei, Ponape", {"96941": ("Pacific/Pohnpei",)}),
    State("KSA", "Kosrae, Kusaie", {"96944": ("Pacific/Kosrae",)}),
)

_KIRIBATI = (
    State("G", "Gilbert Islands, Tarawa, South Tarawa", {"": ("Pacific/Tarawa",)}),
    State("P", "Phoenix Islands, Kanton", {"": ("Pacific/Kanton",)}),
    State("L", "Line Islands, Kiritimati, Christmas Island", {"": ("Pacific/Kiritimati",)}),
)

_TAHITI = ("Pacific/Tahiti",)
_GAMBIER = ("Pacific/Gambier",)

_FRENCH_POLYNESIA = (
    State("IDV", "Îles du Vent, Windward Islands, Tahiti, Moorea", {"": _TAHITI}),
    State("ISLV", "Îles Sous-le-Vent, Leeward Islands, Bora Bora, Raiatea, Huahine", {"": _TAHITI}),
    State("AUS", "Îles Australes, Austral Islands, Tubuai", {"": _TAHITI}),
    State("TUA", "Tuamotu, Tuamotus", {"": _TAHITI}),
    State("TG", "Îles Tuamotu-Gambier, Tuamotu-Gambier, Tuamotu Gambier", {"": _TAHITI + _GAMBIER}),
    State("GAM", "Îles Gambier, Gambier Islands", {"": _GAMBIER}),
    State("MQ", "Îles Marquises, Marquesas Islands, Marquesas, Nuku Hiva, Hiva Oa", {"": ("Pacific/Marquesas",)}),
)

_PAPUA_NEW_GUINEA = (
    State(
        "most",
        "National Capital District, NCD, Port Moresby, Central, CPM, Simbu, Chimbu, CPK, Eastern Highlands, EHG, "
        "East New Britain, EBR, East Sepik, ESW, Enga, EPW, Gulf, GPK, Hela, HLA, Jiwaka, JWK, Madang, MPM, Manus, "
        "MRL, Milne Bay, MBA, Morobe, MPL, New Ireland, NIK, Northern, Oro, NPP, Southern Highlands, SHM, "
        "West New Britain, WBK, West Sepik, Sandaun, SAN, Western, Fly, WPD, Western Highlands, WHM",
        {"": ("Pacific/Port_Moresby",)},
    ),
    State(
        "NSB",
        "Bougainville, North Solomons, Autonomous Region of Bougainville",
        {"": ("Pacific/Bougainville",)},
    ),
)

OCEANIA = {
    "AU": Country(_AUSTRALIA, postcode=r"\d{4}"),
    "NZ": Country(_NEW_ZEALAND, postcode=r"\d{4}"),
    "FM": Country(_MICRONESIA, postcode=r"\d{5}(\d{4})?"),
    "KI": Country(_KIRIBATI),
    "PF": Country(_FRENCH_POLYNESIA),
    "PG": Country(_PAPUA_NEW_GUINEA),
}
