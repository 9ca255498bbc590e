"""Provinces of Spain, Portugal, Greenland and the Congo (Kinshasa): names, postcodes and time zones."""

from domain.places.country import Country, State

_MADRID = ("Europe/Madrid",)
_CEUTA = ("Africa/Ceuta",)

# A row is an autonomous community with its provinces.
_SPAIN = (
    State(
        "AN",
        "Andalucía, Andalusia, Almería, AL, Cádiz, CA, Córdoba, CO, Granada, GR, Huelva, H, Jaén, J, Málaga, MA, "
        "Sevilla, Seville, SE",
        {"04 11 14 18 21 23 29 41": _MADRID},
    ),
    State("AR", "Aragón, Huesca, HU, Teruel, TE, Zaragoza, Saragossa, Z", {"22 44 50": _MADRID}),
    State("AS", "Asturias, Principado de Asturias, Oviedo, O", {"33": _MADRID}),
    State("CB", "Cantabria, Santander, S", {"39": _MADRID}),
    State(
        "CL",
        "Castilla y León, Castile and León, Ávila, AV, Burgos, BU, León, LE, Palencia, P, Salamanca, SA, Segovia, SG, "
        "Soria, SO, Valladolid, VA, Zamora, ZA",
        {"05 09 24 34 37 40 42 47 49": _MADRID},
    ),
    State(
        "CM",
        "Castilla-La Mancha, Castilla La Mancha, Castile-La Mancha, Albacete, AB, Ciudad Real, CR, Cuenca, CU, "
        "Guadalajara, GU, Toledo, TO",
        {"02 13 16 19 45": _MADRID},
    ),
    State(
        "CN",
        "Canarias, Canary Islands, Islas Canarias, Las Palmas, Las Palmas de Gran Canaria, GC, "
        "Santa Cruz de Tenerife, TF, Tenerife, Gran Canaria, Lanzarote, Fuerteventura, La Gomera, El Hierro",
        {"35 38": ("Atlantic/Canary",)},
    ),
    State(
        "CT",
        "Cataluña, Catalunya, Catalonia, Barcelona, B, Gerona, Girona, GI, Lérida, Lleida, L, Tarragona, T",
        {"08 17 25 43": _MADRID},
    ),
    State("CE", "Ceuta", {"51": _CEUTA}),
    State("EX", "Extremadura, Badajoz, BA, Cáceres, CC", {"06 10": _MADRID}),
    State(
        "GA",
        "Galicia, La Coruña, A Coruña, Coruña, C, Lugo, LU, Orense, Ourense, OR, OU, Pontevedra, PO",
        {"15 27 32 36": _MADRID},
    ),
    State(
        "IB",
        "Islas Baleares, Illes Balears, Balearic Islands, Baleares, Balears, PM, Mallorca, Menorca, Ibiza",
        {"07": _MADRID},
    ),
    State("RI", "La Rioja, Logroño, LO", {"26": _MADRID}),
    State("MD", "Madrid, M, Comunidad de Madrid", {"28": _MADRID}),
    State("ML", "Melilla", {"52": _CEUTA}),
    State("MC", "Murcia, MU, Región de Murcia", {"30": _MADRID}),
    State("NC", "Navarra, Nafarroa, Navarre, Comunidad Foral de Navarra, NA", {"31": _MADRID}),
    State(
        "PV",
        "País Vasco, Euskadi, Basque Country, Álava, Araba, Araba/Álava, VI, Guipúzcoa, Gipuzkoa, SS, Vizcaya, "
        "Bizkaia, BI",
        {"01 20 48": _MADRID},
    ),
    State(
        "VC",
        "Comunidad Valenciana, Comunitat Valenciana, Valencia, València, V, Alicante, Alacant, A, Castellón, "
        "Castellón de la Plana, Castelló, CS",
        {"03 12 46": _MADRID},
    ),
)

_PORTUGAL = (
    State(
        "mainland",
        "Aveiro, 01, Beja, 02, Braga, 03, Bragança, 04, Castelo Branco, 05, Coimbra, 06, Évora, 07, Faro, 08, Algarve, "
        "Guarda, 09, Leiria, 10, Lisboa, Lisbon, 11, Portalegre, 12, Porto, Oporto, 13, Santarém, 14, Setúbal, 15, "
        "Viana do Castelo, 16, Vila Real, 17, Viseu, 18, Portugal Continental",
        {"1-8": ("Europe/Lisbon",)},
    ),
    State("30", "Madeira, Região Autónoma da Madeira, Funchal", {"90-94": ("Atlantic/Madeira",)}),
    State(
        "20",
        "Açores, Azores, Região Autónoma dos Açores, Ponta Delgada, São Miguel, Ilha Terceira, Angra do Heroísmo",
        {"95-99": ("Atlantic/Azores",)},
    ),
)

_NUUK = ("America/Nuuk",)

_GREENLAND = (
    State("KU", "Kujalleq", {"": _NUUK}),
    State("QE", "Qeqqata", {"": _NUUK}),
    State("QT", "Qeqertalik", {"": _NUUK}),
    # Qaanaaq uses Nuuk's time, the Pituffik base the time of the American east coast.
    State("AV", "Avannaata", {"": (*_NUUK, "America/Thule")}),
    State("SM", "Sermersooq", {"": (*_NUUK, "America/Scoresbysund")}),
    State("NP", "Northeast Greenland National Park, National Park", {"": ("America/Danmarkshavn",)}),
)

_WEST = ("Africa/Kinshasa",)
_EAST = ("Africa/Lubumbashi",)

# Including the provinces before 2015.
_CONGO = (
    State("KN", "Kinshasa", {"": _WEST}),
    State("BC", "Kongo Central, Bas-Congo, Bas Congo", {"": _WEST}),
    State("KG", "Kwango", {"": _WEST}),
    State("KL", "Kwilu", {"": _WEST}),
    State("MN", "Mai-Ndombe, Mai Ndombe", {"": _WEST}),
    State("BN", "Bandundu", {"": _WEST}),
    State("EQ", "Équateur", {"": _WEST}),
    State("MO", "Mongala", {"": _WEST}),
    State("NU", "Nord-Ubangi, North Ubangi", {"": _WEST}),
    State("SU", "Sud-Ubangi, South Ubangi", {"": _WEST}),
    State("TU", "Tshuapa", {"": _WEST}),
    State("BU", "Bas-Uélé, Bas Uele", {"": _EAST}),
    State("HU", "Haut-Uélé, Haut Uele", {"": _EAST}),
    State("IT", "Ituri", {"": _EAST}),
    State("TO", "Tshopo", {"": _EAST}),
    State("OR", "Orientale, Province Orientale", {"": _EAST}),
    State("NK", "Nord-Kivu, North Kivu", {"": _EAST}),
    State("SK", "Sud-Kivu, South Kivu", {"": _EAST}),
    State("MA", "Maniema", {"": _EAST}),
    State("KA", "Katanga", {"": _EAST}),
    State("HK", "Haut-Katanga", {"": _EAST}),
    State("HL", "Haut-Lomami", {"": _EAST}),
    State("LU", "Lualaba", {"": _EAST}),
    State("TA", "Tanganyika, Tanganika", {"": _EAST}),
    State("KS", "Kasaï", {"": _EAST}),
    State("KC", "Kasaï Central, Kasaï-Occidental", {"": _EAST}),
    State("KE", "Kasaï Oriental", {"": _EAST}),
    State("LO", "Lomami", {"": _EAST}),
    State("SA", "Sankuru", {"": _EAST}),
)

EUROPE_AND_AFRICA = {
    "ES": Country(_SPAIN, postcode=r"\d{5}"),
    "PT": Country(_PORTUGAL, postcode=r"\d{4}(\d{3})?"),
    "GL": Country(_GREENLAND),
    "CD": Country(_CONGO),
}
