"""Federal subjects of Russia: names, postcodes and time zones.

The names lack their kind (oblast, krai, republic), because `zones_of_place` ignores these words in an address.
"""

from domain.places.country import Country, State

_MOSCOW = ("Europe/Moscow",)
_SAMARA = ("Europe/Samara",)
_URALS = ("Asia/Yekaterinburg",)
_KRASNOYARSK = ("Asia/Krasnoyarsk",)
_BARNAUL = ("Asia/Barnaul",)
_IRKUTSK = ("Asia/Irkutsk",)
_YAKUTSK = ("Asia/Yakutsk",)
_VLADIVOSTOK = ("Asia/Vladivostok",)

_SUBJECTS = (
    State("KGD", "Kaliningrad, Kaliningradskaya, Калининградская, Калининград", {"236-238": ("Europe/Kaliningrad",)}),
    State("MOW", "Moscow, Moskva, Москва", {"101-135": _MOSCOW}),
    State("MOS", "Moscow, Moskovskaya, Московская, МО", {"140-144": _MOSCOW}),
    State(
        "SPE",
        "Saint Petersburg, St Petersburg, Sankt-Peterburg, Sankt Peterburg, SPB, Санкт-Петербург, СПб",
        {"190-199": _MOSCOW},
    ),
    State("LEN", "Leningrad, Leningradskaya, Ленинградская, ЛО", {"187-188": _MOSCOW}),
    State("YAR", "Yaroslavl, Yaroslavskaya, Ярославская, Ярославль", {"150-152": _MOSCOW}),
    State("IVA", "Ivanovo, Ivanovskaya, Ивановская, Иваново", {"153-155": _MOSCOW}),
    State("KOS", "Kostroma, Kostromskaya, Костромская, Кострома", {"156-157": _MOSCOW}),
    State("VLG", "Vologda, Vologodskaya, Вологодская, Вологда", {"160-162": _MOSCOW}),
    State("ARK", "Arkhangelsk, Arkhangelskaya, Архангельская, Архангельск", {"163-165": _MOSCOW}),
    State("NEN", "Nenets, Nenetsky, Nenetskiy, Ненецкий, НАО", {"166": _MOSCOW}),
    State("KO", "Komi, Коми", {"167-169": _MOSCOW}),
    State("TVE", "Tver, Tverskaya, Тверская, Тверь", {"170-172": _MOSCOW}),
    State("NGR", "Novgorod, Novgorodskaya, Новгородская, Великий Новгород", {"173-175": _MOSCOW}),
    State("PSK", "Pskov, Pskovskaya, Псковская, Псков", {"180-182": _MOSCOW}),
    State("MUR", "Murmansk, Murmanskaya, Мурманская, Мурманск", {"183-184": _MOSCOW}),
    State("KR", "Karelia, Kareliya, Карелия", {"185-186": _MOSCOW}),
    State("SMO", "Smolensk, Smolenskaya, Смоленская, Смоленск", {"214-216": _MOSCOW}),
    State("BRY", "Bryansk, Bryanskaya, Брянская, Брянск", {"241-243": _MOSCOW}),
    State("KLU", "Kaluga, Kaluzhskaya, Калужская, Калуга", {"248-249": _MOSCOW}),
    State("TUL", "Tula, Tulskaya, Тульская, Тула", {"300-301": _MOSCOW}),
    State("ORL", "Oryol, Orel, Orlovskaya, Орловская, Орёл", {"302-303": _MOSCOW}),
    State("KRS", "Kursk, Kurskaya, Курская, Курск", {"305-307": _MOSCOW}),
    State("BEL", "Belgorod, Belgorodskaya, Белгородская, Белгород", {"308-309": _MOSCOW}),
    State("ROS", "Rostov, Rostov-on-Don, Rostovskaya, Ростовская, Ростов-на-Дону", {"344-347": _MOSCOW}),
    State("KDA", "Krasnodar, Krasnodarsky, Krasnodarskiy, Краснодарский, Краснодар", {"350-354": _MOSCOW}),
    State("STA", "Stavropol, Stavropolsky, Stavropolskiy, Ставропольский, Ставрополь", {"355-357": _MOSCOW}),
    State("KL", "Kalmykia, Kalmykiya, Калмыкия", {"358-359": _MOSCOW}),
    State("KB", "Kabardino-Balkaria, Kabardino-Balkarskaya, Кабардино-Балкарская, КБР", {"360-361": _MOSCOW}),
    State(
        "SE",
        "North Ossetia, North Ossetia-Alania, Severnaya Osetiya, Северная Осетия, Северная Осетия - Алания",
        {"362-363": _MOSCOW},
    ),
    State("CE", "Chechnya, Chechen, Chechenskaya, Чеченская, Чечня", {"364-366": _MOSCOW}),
    State("DA", "Dagestan, Дагестан", {"367-368": _MOSCOW}),
    State("KC", "Karachay-Cherkessia, Karachayevo-Cherkesskaya, Карачаево-Черкесская, КЧР", {"369": _MOSCOW}),
    State("AD", "Adygea, Adygeya, Адыгея", {"385": _MOSCOW}),
    State("IN", "Ingushetia, Ingushetiya, Ингушетия", {"386": _MOSCOW}),
    State("RYA", "Ryazan, Ryazanskaya, Рязанская, Рязань", {"390-391": _MOSCOW}),
    State("TAM", "Tambov, Tambovskaya, Тамбовская, Тамбов", {"392-393": _MOSCOW}),
    State("VOR", "Voronezh, Voronezhskaya, Воронежская, Воронеж", {"394-397": _MOSCOW}),
    State("LIP", "Lipetsk, Lipetskaya, Липецкая, Липецк", {"398-399": _MOSCOW}),
    State("VGG", "Volgograd, Volgogradskaya, Волгоградская, Волгоград", {"400-404": ("Europe/Volgograd",)}),
    State("SAR", "Saratov, Saratovskaya, Саратовская, Саратов", {"410-413": ("Europe/Saratov",)}),
    State("AST", "Astrakhan, Astrakhanskaya, Астраханская, Астрахань", {"414-416": ("Europe/Astrakhan",)}),
    State("TA", "Tatarstan, Татарстан", {"420-423": _MOSCOW}),
    State("ME", "Mari El, Mariy El, Марий Эл", {"424-425": _MOSCOW}),
    State("UD", "Udmurtia, Udmurt, Udmurtskaya, Удмуртская, Удмуртия", {"426-427": _SAMARA}),
    State("CU", "Chuvashia, Chuvash, Chuvashskaya, Чувашская, Чувашия", {"428-429": _MOSCOW}),
    State("MO", "Mordovia, Mordoviya, Мордовия", {"430-431": _MOSCOW}),
    State("ULY", "Ulyanovsk, Ulyanovskaya, Ульяновская, Ульяновск", {"432-433": ("Europe/Ulyanovsk",)}),
    State("PNZ", "Penza, Penzenskaya, Пензенская, Пенза", {"440-442": _MOSCOW}),
    State("SAM", "Samara, Samarskaya, Самарская, Самара", {"443-446": _SAMARA}),
    State("BA", "Bashkortostan, Bashkiria, Башкортостан, Башкирия", {"450-453": _URALS}),
    State("CHE", "Chelyabinsk, Chelyabinskaya, Челябинская, Челябинск", {"454-457": _URALS}),
    State("ORE", "Orenburg, Orenburgskaya, Оренбургская, Оренбург", {"460-462": _URALS}),
    State("VLA", "Vladimir, Vladimirskaya, Владимирская, Владимир", {"600-602": _MOSCOW}),
    State(
        "NIZ",
        "Nizhny Novgorod, Nizhniy Novgorod, Nizhegorodskaya, Нижегородская, Нижний Новгород",
        {"603-607": _MOSCOW},
    ),
    State("KIR", "Kirov, Kirovskaya, Кировская, Киров", {"610-613": ("Europe/Kirov",)}),
    State("PER", "Perm, Permsky, Permskiy, Пермский, Пермь", {"614-619": _URALS}),
    State("SVE", "Sverdlovsk, Sverdlovskaya, Свердловская, Yekaterinburg, Екатеринбург", {"620-624": _URALS}),
    State("TYU", "Tyumen, Tyumenskaya, Тюменская, Тюмень", {"625-627": _URALS}),
    State(
        "KHM",
        "Khanty-Mansi, Khanty-Mansiysky, Khanty-Mansiyskiy, Yugra, Ханты-Мансийский, Ханты-Мансийский - Югра, Югра, "
        "ХМАО, KhMAO",
        {"628": _URALS},
    ),
    State("YAN", "Yamalo-Nenets, Yamalo-Nenetsky, Yamalo-Nenetskiy, Ямало-Ненецкий, ЯНАО, Yamal", {"629": _URALS}),
    State("KGN", "Kurgan, Kurganskaya, Курганская, Курган", {"640-641": _URALS}),
    State("OMS", "Omsk, Omskaya, Омская, Омск", {"644-646": ("Asia/Omsk",)}),
    State("NVS", "Novosibirsk, Novosibirskaya, Новосибирская, Новосибирск", {"630-633": ("Asia/Novosibirsk",)}),
    State("TOM", "Tomsk, Tomskaya, Томская, Томск", {"634-636": ("Asia/Tomsk",)}),
    State("AL", "Altai, Altay, Алтай, Горный Алтай", {"649": _BARNAUL}),
    State("ALT", "Altai, Altay, Altaysky, Altayskiy, Алтайский, Barnaul, Барнаул", {"656-659": _BARNAUL}),
    State(
        "KEM",
        "Kemerovo, Kemerovskaya, Кемеровская, Кемеровская область - Кузбасс, Кемерово, Kuzbass, Кузбасс",
        {"650-654": ("Asia/Novokuznetsk",)},
    ),
    State("KK", "Khakassia, Khakasiya, Хакасия", {"655": _KRASNOYARSK}),
    State(
        "KYA", "Krasnoyarsk, Krasnoyarsky, Krasnoyarskiy, Красноярский, Красноярск", {"647-648 660-663": _KRASNOYARSK}
    ),
    State("TY", "Tuva, Tyva, Тыва, Тува", {"667-668": _KRASNOYARSK}),
    State("IRK", "Irkutsk, Irkutskaya, Иркутская, Иркутск", {"664-666 669": _IRKUTSK}),
    State("BU", "Buryatia, Buryatiya, Бурятия", {"670-671": _IRKUTSK}),
    State("ZAB", "Zabaykalsky, Zabaykalskiy, Transbaikal, Забайкальский, Чита", {"672-674 687": ("Asia/Chita",)}),
    State("AMU", "Amur, Amurskaya, Амурская", {"675-676": _YAKUTSK}),
    # Three clocks, from the Lena to the Kolyma; Yakutsk itself is 677.
    State(
        "SA",
        "Sakha, Sakha (Yakutia), Sakha Yakutia, Yakutia, Саха, Саха (Якутия), Саха Якутия, Якутия",
        {"677": _YAKUTSK, "678": (*_YAKUTSK, "Asia/Ust-Nera", "Asia/Srednekolymsk")},
    ),
    State("YEV", "Jewish, Yevreyskaya, Еврейская, ЕАО", {"679": _VLADIVOSTOK}),
    State("KHA", "Khabarovsk, Khabarovsky, Khabarovskiy, Хабаровский, Хабаровск", {"680-682": _VLADIVOSTOK}),
    State(
        "PRI",
        "Primorsky, Primorskiy, Primorye, Приморский, Приморье, Vladivostok, Владивосток",
        {"690-692": _VLADIVOSTOK},
    ),
    State("MAG", "Magadan, Magadanskaya, Магаданская, Магадан", {"685-686": ("Asia/Magadan",)}),
    State("SAK", "Sakhalin, Sakhalinskaya, Сахалинская, Сахалин", {"693-694": ("Asia/Sakhalin",)}),
    State("KAM", "Kamchatka, Kamchatsky, Kamchatskiy, Камчатский, Камчатка", {"683-684 688": ("Asia/Kamchatka",)}),
    State("CHU", "Chukotka, Chukotsky, Chukotskiy, Чукотский, Чукотка", {"689": ("Asia/Anadyr",)}),
    # According to Russia's official list.
    State("CR", "Crimea, Krym, Крым, Sevastopol, Севастополь", {"295-299": ("Europe/Simferopol",)}),
)

RUSSIA = {"RU": Country(_SUBJECTS, postcode=r"\d{6}")}
