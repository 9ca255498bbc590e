"""States of Mexico, Brazil, Chile and Ecuador: names, postcodes and time zones."""

from domain.places.country import Country, State

_CENTRAL = ("America/Mexico_City",)
_MONTERREY = ("America/Monterrey",)
_BORDER = ("America/Matamoros",)
_CHIHUAHUA = ("America/Chihuahua",)
#: Ciudad Juárez. America/Ciudad_Juarez has the same clock, but zone files before 2022g lack it.
_JUAREZ = ("America/Denver",)
_OJINAGA = ("America/Ojinaga",)
_MAZATLAN = ("America/Mazatlan",)
_MERIDA = ("America/Merida",)

_MEXICO = (
    State("AGU", "Aguascalientes, Ags, AG", {"20": _CENTRAL}),
    State("BCN", "Baja California, Baja California Norte, BC, BN", {"21-22": ("America/Tijuana",)}),
    State("BCS", "Baja California Sur, BS", {"23": _MAZATLAN}),
    State("CAM", "Campeche, Camp", {"24": _MERIDA}),
    # Acuña and Piedras Negras (26) and Ocampo (276) use the summer time of Texas.
    State(
        "COA",
        "Coahuila, Coahuila de Zaragoza, Coah",
        {"25 27": _MONTERREY, "26 276": _MONTERREY + _BORDER},
    ),
    State("COL", "Colima", {"28": _CENTRAL}),
    State("CHP", "Chiapas, Chis", {"29-30": _CENTRAL}),
    # Juárez with Ascensión and Janos (318) uses the time of El Paso, Ojinaga the time of Texas.
    State(
        "CHH",
        "Chihuahua, Chih",
        {
            "31 33": _CHIHUAHUA,
            "318": _CHIHUAHUA + _JUAREZ,
            "320-326": _JUAREZ,
            "327-329": _CHIHUAHUA + _JUAREZ + _OJINAGA,
        },
    ),
    State(
        "CMX",
        "Ciudad de México, CDMX, Distrito Federal, DF, DIF, Mexico City, México DF, México CDMX",
        {"00-16": _CENTRAL},
    ),
    State("DUR", "Durango, Dgo", {"34-35": _MONTERREY}),
    State("GUA", "Guanajuato, Gto, GTO", {"36-38": _CENTRAL}),
    State("GRO", "Guerrero", {"39-41": _CENTRAL}),
    State("HID", "Hidalgo, Hgo", {"42-43": _CENTRAL}),
    State("JAL", "Jalisco", {"44-49": _CENTRAL}),
    State("MEX", "México, Edomex, Edo Mex, EM", {"50-57": _CENTRAL}),
    State("MIC", "Michoacán, Michoacán de Ocampo, Mich", {"58-61": _CENTRAL}),
    State("MOR", "Morelos", {"62": _CENTRAL}),
    # The valley of Bahía de Banderas uses the time of Puerto Vallarta.
    State(
        "NAY",
        "Nayarit",
        {"63": _MAZATLAN, "637": (*_MAZATLAN, "America/Bahia_Banderas")},
    ),
    # Anáhuac (650) is at the border.
    State("NLE", "Nuevo León, NL", {"64-67": _MONTERREY, "650": _MONTERREY + _BORDER}),
    State("OAX", "Oaxaca", {"68-71": _CENTRAL}),
    State("PUE", "Puebla", {"72-75": _CENTRAL}),
    State("QUE", "Querétaro, Querétaro de Arteaga, Qro", {"76": _CENTRAL}),
    State("ROO", "Quintana Roo, Q Roo, QR", {"77": ("America/Cancun",)}),
    State("SLP", "San Luis Potosí", {"78-79": _CENTRAL}),
    State("SIN", "Sinaloa", {"80-82": _MAZATLAN}),
    State("SON", "Sonora", {"83-85": ("America/Hermosillo",)}),
    State("TAB", "Tabasco", {"86": _CENTRAL}),
    # From Nuevo Laredo to Matamoros.
    State(
        "TAM",
        "Tamaulipas, Tamps",
        {"87 89": _MONTERREY, "873-874": _BORDER, "875 88": _BORDER + _MONTERREY},
    ),
    State("TLA", "Tlaxcala, Tlax", {"90": _CENTRAL}),
    State("VER", "Veracruz, Veracruz de Ignacio de la Llave", {"91-96": _CENTRAL}),
    State("YUC", "Yucatán", {"97": _MERIDA}),
    State("ZAC", "Zacatecas", {"98-99": _CENTRAL}),
)

_SAO_PAULO = ("America/Sao_Paulo",)
_FORTALEZA = ("America/Fortaleza",)
_MACEIO = ("America/Maceio",)
_BELEM = ("America/Belem",)
_CUIABA = ("America/Cuiaba",)
_MANAUS = ("America/Manaus",)
_ACRE = ("America/Rio_Branco",)

_BRAZIL = (
    State("SP", "São Paulo", {"01-19": _SAO_PAULO}),
    State("RJ", "Rio de Janeiro", {"20-28": _SAO_PAULO}),
    State("ES", "Espírito Santo", {"29": _SAO_PAULO}),
    State("MG", "Minas Gerais", {"30-39": _SAO_PAULO}),
    State("BA", "Bahia", {"40-48": ("America/Bahia",)}),
    State("SE", "Sergipe", {"49": _MACEIO}),
    # Fernando de Noronha.
    State("PE", "Pernambuco", {"50-56": ("America/Recife",), "53990": ("America/Noronha",)}),
    State("AL", "Alagoas", {"57": _MACEIO}),
    State("PB", "Paraíba", {"58": _FORTALEZA}),
    State("RN", "Rio Grande do Norte", {"59": _FORTALEZA}),
    State("CE", "Ceará", {"60-63": _FORTALEZA}),
    State("PI", "Piauí", {"64": _FORTALEZA}),
    State("MA", "Maranhão", {"65": _FORTALEZA}),
    State("PA", "Pará", {"66-67 680-688": _BELEM}),
    State("AP", "Amapá", {"689": _BELEM}),
    # The west uses the time of Acre.
    State("AM", "Amazonas", {"690-692 694 697": _MANAUS, "695-696 698": _MANAUS + _ACRE}),
    State("RR", "Roraima", {"693": ("America/Boa_Vista",)}),
    State("AC", "Acre", {"699": _ACRE}),
    State("DF", "Distrito Federal, Brasília, Brasília DF", {"700-727 730-736": _SAO_PAULO}),
    State("GO", "Goiás", {"728-729 737-739 74-75 760-767": _SAO_PAULO}),
    State("RO", "Rondônia", {"768-769": ("America/Porto_Velho",)}),
    State("TO", "Tocantins", {"77": ("America/Araguaina",)}),
    # The towns along the Araguaia use the time of Brasília.
    State("MT", "Mato Grosso", {"780-785 787-788": _CUIABA, "786": _CUIABA + _SAO_PAULO}),
    State("MS", "Mato Grosso do Sul", {"79": ("America/Campo_Grande",)}),
    State("PR", "Paraná", {"80-87": _SAO_PAULO}),
    State("SC", "Santa Catarina", {"88-89": _SAO_PAULO}),
    State("RS", "Rio Grande do Sul", {"90-99": _SAO_PAULO}),
)

_SANTIAGO = ("America/Santiago",)
_EASTER_ISLAND = ("Pacific/Easter",)
#: America/Coyhaique has the same clock, but zone files before 2025b lack it.
_PATAGONIA = ("America/Punta_Arenas",)

# Without postcodes, because Chileans rarely write them.
_CHILE = (
    State("RM", "Metropolitana, Metropolitana de Santiago, Santiago, Región Metropolitana, XIII", {"": _SANTIAGO}),
    State("AP", "Arica y Parinacota, Arica, XV", {"": _SANTIAGO}),
    State("TA", "Tarapacá, I", {"": _SANTIAGO}),
    State("AN", "Antofagasta, II", {"": _SANTIAGO}),
    State("AT", "Atacama, III", {"": _SANTIAGO}),
    State("CO", "Coquimbo, IV", {"": _SANTIAGO}),
    # Easter Island is a province of Valparaíso.
    State("VS", "Valparaíso, V", {"": _SANTIAGO + _EASTER_ISLAND}),
    State("IPA", "Isla de Pascua, Easter Island, Rapa Nui", {"": _EASTER_ISLAND}),
    State("LI", "Libertador General Bernardo O'Higgins, O'Higgins, VI", {"": _SANTIAGO}),
    State("ML", "Maule, VII", {"": _SANTIAGO}),
    State("NB", "Ñuble, XVI", {"": _SANTIAGO}),
    State("BI", "Biobío, Bío Bío, VIII", {"": _SANTIAGO}),
    State("AR", "Araucanía, IX", {"": _SANTIAGO}),
    State("LR", "Los Ríos, XIV", {"": _SANTIAGO}),
    State("LL", "Los Lagos, X", {"": _SANTIAGO}),
    State(
        "AI",
        "Aysén, Aisén, Aysén del General Carlos Ibáñez del Campo, Aisén del General Carlos Ibáñez del Campo, XI",
        {"": _PATAGONIA},
    ),
    State("MA", "Magallanes, Magallanes y de la Antártica Chilena, XII", {"": _PATAGONIA}),
)

_ECUADOR = (
    State(
        "mainland",
        "Azuay, A, Bolívar, B, Cañar, F, Carchi, C, Chimborazo, H, Cotopaxi, X, El Oro, O, Esmeraldas, E, Guayas, G, "
        "Imbabura, I, Loja, L, Los Ríos, R, Manabí, M, Morona Santiago, S, Napo, N, Orellana, D, Pastaza, Y, "
        "Pichincha, P, Santa Elena, SE, Santo Domingo de los Tsáchilas, Santo Domingo, SD, Sucumbíos, U, "
        "Tungurahua, T, Zamora Chinchipe, Z",
        {"01-19 21-24": ("America/Guayaquil",)},
    ),
    State("W", "Galápagos", {"20": ("Pacific/Galapagos",)}),
)

LATIN_AMERICA = {
    "MX": Country(_MEXICO, postcode=r"\d{5}"),
    "BR": Country(_BRAZIL, postcode=r"\d{5}(\d{3})?"),
    "CL": Country(_CHILE),
    "EC": Country(_ECUADOR, postcode=r"\d{6}"),
}
