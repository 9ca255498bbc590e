"""States of the United States and Canada: names, postcodes and time zones.

A state has its official zones, and a neighbouring zone if some of its towns are known to use that time. The ZIP
prefixes follow the United States Postal Service. The few postcodes that belong to another state than their prefix are
listed at their own state. A prefix that a zone boundary crosses has both zones.
"""

from domain.places.country import Country, State

_EASTERN = ("America/New_York",)
_CENTRAL = ("America/Chicago",)
_MOUNTAIN = ("America/Denver",)
_PACIFIC = ("America/Los_Angeles",)
_ALASKA = ("America/Anchorage",)
_ADAK = ("America/Adak",)
_ARIZONA = ("America/Phoenix",)
_HAWAII = ("Pacific/Honolulu",)
_MICHIGAN = ("America/Detroit",)
_INDIANA = ("America/Indiana/Indianapolis",)
_KENTUCKY = ("America/Kentucky/Louisville",)
_BOISE = ("America/Boise",)

_STATES = (
    # Phenix City and its neighbours (368) use the time of Columbus, Georgia.
    State("AL", "Alabama, Ala", {"350-367 369": _CENTRAL, "368": _CENTRAL + _EASTERN}),
    # Adak and Atka.
    State("AK", "Alaska", {"995-999": _ALASKA, "99546 99547": _ADAK}),
    # The Navajo Nation (parts of 860 and 865) has summer time.
    State("AZ", "Arizona, Ariz", {"850-853 855-857 859 863-864": _ARIZONA, "860 865": _ARIZONA + _MOUNTAIN}),
    State("AR", "Arkansas, Ark", {"716-729": _CENTRAL}),
    State("CA", "California, Calif, Cal, Cali", {"900-908 910-928 930-961": _PACIFIC}),
    State("CO", "Colorado, Colo", {"800-816": _MOUNTAIN}),
    State("CT", "Connecticut, Conn", {"060-069": _EASTERN}),
    State("DE", "Delaware, Del", {"197-199": _EASTERN}),
    State(
        "DC",
        "District of Columbia, Washington DC, Washington District of Columbia",
        {"200 202-205 569": _EASTERN},
    ),
    # The Panhandle west of the Apalachicola; 324 is on both sides.
    State(
        "FL",
        "Florida, Fla",
        {"320-323 326-339 341-342 344 346-347 349": _EASTERN, "324": _EASTERN + _CENTRAL, "325": _CENTRAL},
    ),
    State("GA", "Georgia", {"300-319 398-399": _EASTERN}),
    State("HI", "Hawaii", {"967-968": _HAWAII}),
    # North of the Salmon River.
    State("ID", "Idaho", {"832-834 836-837": _BOISE, "835": _BOISE + _PACIFIC, "838": _PACIFIC}),
    State("IL", "Illinois, Ill", {"600-620 622-629": _CENTRAL}),
    # The counties around Gary and around Evansville, with Starke and Perry.
    State(
        "IN",
        "Indiana, Ind",
        {
            "460-462 466-468 470-474 478": _INDIANA,
            "465 469 475 479": _INDIANA + _CENTRAL,
            "463-464 476-477": _CENTRAL,
        },
    ),
    State("IA", "Iowa", {"500-516 520-528": _CENTRAL}),
    # Four counties at the border of Colorado.
    State("KS", "Kansas, Kan, Kans", {"660-662 664-676 679": _CENTRAL, "677-678": _CENTRAL + _MOUNTAIN}),
    State(
        "KY",
        "Kentucky",
        {"400 402-418 425": _KENTUCKY, "401 426-427": _KENTUCKY + _CENTRAL, "420-424": _CENTRAL},
    ),
    State("LA", "Louisiana", {"700-701 703-708 710-714": _CENTRAL}),
    State("ME", "Maine", {"039-049": _EASTERN}),
    State("MD", "Maryland", {"206-212 214-219 20588": _EASTERN}),
    State("MA", "Massachusetts, Mass", {"010-027 055": _EASTERN}),
    # Four counties of the Upper Peninsula at the border of Wisconsin.
    State("MI", "Michigan, Mich", {"480-497": _MICHIGAN, "498-499": _MICHIGAN + _CENTRAL}),
    State("MN", "Minnesota, Minn", {"550-551 553-567": _CENTRAL}),
    State("MS", "Mississippi, Miss", {"386-397": _CENTRAL}),
    State("MO", "Missouri", {"630-631 633-641 644-658 72643": _CENTRAL}),
    State("MT", "Montana, Mont", {"590-599": _MOUNTAIN}),
    State(
        "NE",
        "Nebraska, Neb, Nebr",
        {"680-681 683-689": _CENTRAL, "690-692": _CENTRAL + _MOUNTAIN, "693": _MOUNTAIN},
    ),
    # West Wendover and Jackpot.
    State("NV", "Nevada, Nev", {"889-891 893-895 897": _PACIFIC, "898": _PACIFIC + _MOUNTAIN}),
    State("NH", "New Hampshire", {"030-038": _EASTERN}),
    State("NJ", "New Jersey", {"070-089": _EASTERN}),
    State("NM", "New Mexico", {"870-871 873-875 877-884": _MOUNTAIN}),
    # Fishers Island has a postcode of Connecticut.
    State("NY", "New York, New York City, NYC", {"005 100-149 06390": _EASTERN}),
    State("NC", "North Carolina", {"270-289": _EASTERN}),
    State(
        "ND",
        "North Dakota, N Dak",
        {"580-584 587": _CENTRAL, "585-586 588": _CENTRAL + _MOUNTAIN},
    ),
    State("OH", "Ohio", {"430-459": _EASTERN}),
    State("OK", "Oklahoma, Okla", {"730-731 734-741 743-749": _CENTRAL}),
    # Malheur County.
    State("OR", "Oregon, Ore, Oreg", {"970-978": _PACIFIC, "979": _PACIFIC + _BOISE}),
    State("PA", "Pennsylvania, Penn, Penna", {"150-196": _EASTERN}),
    State("RI", "Rhode Island", {"028-029": _EASTERN}),
    State("SC", "South Carolina", {"290-299": _EASTERN}),
    State(
        "SD",
        "South Dakota, S Dak",
        {"570-574": _CENTRAL, "575-576": _CENTRAL + _MOUNTAIN, "577": _MOUNTAIN},
    ),
    # The postcodes of Chattanooga (373) and Knoxville (377) extend over the Cumberland Plateau.
    State(
        "TN",
        "Tennessee, Tenn",
        {"370-372 375 380-385": _CENTRAL, "373 377": _EASTERN + _CENTRAL, "374 376 378-379": _EASTERN},
    ),
    # El Paso and Hudspeth County.
    State("TX", "Texas, Tex", {"733 750-797 73960": _CENTRAL, "798": _CENTRAL + _MOUNTAIN, "799 885": _MOUNTAIN}),
    State("UT", "Utah", {"840-847": _MOUNTAIN}),
    State("VT", "Vermont", {"050-054 056-059": _EASTERN}),
    State("VA", "Virginia", {"201 220-246 20598": _EASTERN}),
    State("WA", "Washington, Wash", {"980-986 988-994": _PACIFIC}),
    State("WV", "West Virginia, W Va", {"247-268": _EASTERN}),
    State("WI", "Wisconsin, Wis, Wisc", {"530-532 534-535 537-549": _CENTRAL}),
    # Alta has a postcode of Idaho.
    State("WY", "Wyoming, Wyo", {"820-831 83414": _MOUNTAIN}),
    # Separate countries in ISO 3166, but states in the postal system.
    State("PR", "Puerto Rico", {"006-007 009": ("America/Puerto_Rico",)}),
    State("VI", "Virgin Islands, US Virgin Islands", {"008": ("America/St_Thomas",)}),
    State("GU", "Guam", {"96910-96932": ("Pacific/Guam",)}),
    State("MP", "Northern Mariana Islands", {"96950-96952": ("Pacific/Saipan",)}),
    State("AS", "American Samoa", {"96799": ("Pacific/Pago_Pago",)}),
)

_ATLANTIC = ("America/Halifax",)
_TORONTO = ("America/Toronto",)
_ATIKOKAN = ("America/Atikokan",)
_WINNIPEG = ("America/Winnipeg",)
_EDMONTON = ("America/Edmonton",)
_VANCOUVER = ("America/Vancouver",)
_NEWFOUNDLAND = ("America/St_Johns",)
_LABRADOR = ("America/Goose_Bay",)

_PROVINCES = (
    # Alberta's time in the East Kootenay, no summer time at Creston (V0B) and around the Peace River.
    State(
        "BC",
        "British Columbia, Colombie-Britannique",
        {
            "V": _VANCOUVER,
            "V0A": _EDMONTON + _VANCOUVER,
            "V0B": (*_EDMONTON, "America/Creston", *_VANCOUVER),
            "V1A V1C": _EDMONTON,
            "V0C": ("America/Dawson_Creek", "America/Fort_Nelson", *_VANCOUVER),
            "V1G V1J": ("America/Dawson_Creek",),
        },
    ),
    State("AB", "Alberta, Alta", {"T": _EDMONTON}),
    # Lloydminster uses Alberta's time.
    State("SK", "Saskatchewan, Sask", {"S": ("America/Regina",), "S9V": _EDMONTON}),
    State("MB", "Manitoba, Man", {"R": _WINNIPEG}),
    # Central time in the northwest, no summer time around Atikokan (P0T) and Pickle Lake (P0V).
    State(
        "ON",
        "Ontario, Ont",
        {
            "K L M N P": _TORONTO,
            "P0T P0V": _TORONTO + _WINNIPEG + _ATIKOKAN,
            "P0W P0X P0Y P8N P8T P9A P9N": _WINNIPEG,
        },
    ),
    # The Magdalen Islands (G4T), the Lower North Shore (G0G), Listuguj (G0C).
    State(
        "QC",
        "Québec, Que, PQ, Quebec City",
        {
            "G H J": _TORONTO,
            "G0G": (*_TORONTO, "America/Blanc-Sablon"),
            "G0C": _TORONTO + _ATLANTIC,
            "G4T": _ATLANTIC,
        },
    ),
    State("NB", "New Brunswick, Nouveau-Brunswick", {"E": ("America/Moncton",)}),
    State("NS", "Nova Scotia, Nouvelle-Écosse", {"B": _ATLANTIC}),
    State("PE", "Prince Edward Island, PEI, Île-du-Prince-Édouard, IPE", {"C": _ATLANTIC}),
    # Labrador, except for its southeast (A0K), which shares its postcodes with Newfoundland.
    State(
        "NL",
        "Newfoundland and Labrador, Newfoundland Labrador, Newfoundland, Labrador, NF, NFLD, Terre-Neuve-et-Labrador",
        {"A": _NEWFOUNDLAND, "A0K": _NEWFOUNDLAND + _LABRADOR, "A0P A0R A2V": _LABRADOR},
    ),
    State("YT", "Yukon, YK, Yukon Territory", {"Y": ("America/Whitehorse",)}),
    State(
        "NT",
        "Northwest Territories, NWT, Territoires du Nord-Ouest",
        {"X1A": _EDMONTON, "X0E X0G": (*_EDMONTON, "America/Inuvik")},
    ),
    # Baffin with Resolute (X0A), Kitikmeot (X0B), Keewatin with Coral Harbour (X0C).
    State(
        "NU",
        "Nunavut",
        {
            "X0A": ("America/Iqaluit", "America/Resolute"),
            "X0B": ("America/Cambridge_Bay",),
            "X0C": ("America/Rankin_Inlet", *_ATIKOKAN),
        },
    ),
)

NORTH_AMERICA = {
    "US": Country(_STATES, postcode=r"\d{5}(\d{4})?"),
    "CA": Country(_PROVINCES, postcode=r"[A-Z]\d[A-Z](\d[A-Z]\d)?"),
}
