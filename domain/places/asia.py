"""Provinces of Indonesia, Mongolia and China: names, postcodes and time zones."""

from domain.places.country import Country, State

_JAKARTA = ("Asia/Jakarta",)
_PONTIANAK = ("Asia/Pontianak",)
_MAKASSAR = ("Asia/Makassar",)
_JAYAPURA = ("Asia/Jayapura",)

_INDONESIA = (
    State("AC", "Aceh, Nanggroe Aceh Darussalam, NAD", {"23-24": _JAKARTA}),
    State("SU", "Sumatera Utara, North Sumatra, Sumut", {"20-22": _JAKARTA}),
    State("SB", "Sumatera Barat, West Sumatra, Sumbar", {"25-27": _JAKARTA}),
    State("RI", "Riau", {"28-29": _JAKARTA}),
    State("KR", "Kepulauan Riau, Riau Islands, Kepri", {"29": _JAKARTA}),
    State("JA", "Jambi", {"36-37": _JAKARTA}),
    State("SS", "Sumatera Selatan, South Sumatra, Sumsel", {"30-32": _JAKARTA}),
    State("BB", "Kepulauan Bangka Belitung, Bangka Belitung, Babel", {"33": _JAKARTA}),
    State("BE", "Bengkulu", {"38-39": _JAKARTA}),
    State("LA", "Lampung", {"34-35": _JAKARTA}),
    State("BT", "Banten", {"15 42": _JAKARTA}),
    State(
        "JK",
        "DKI Jakarta, Jakarta, Daerah Khusus Ibukota Jakarta, Jakarta Raya, DKI, Jakarta Selatan, Jakarta Pusat, "
        "Jakarta Barat, Jakarta Timur, Jakarta Utara, South Jakarta, Central Jakarta, West Jakarta, East Jakarta, "
        "North Jakarta",
        {"10-14": _JAKARTA},
    ),
    State("JB", "Jawa Barat, West Java, Jabar", {"16-17 40-41 43-46": _JAKARTA}),
    State("JT", "Jawa Tengah, Central Java, Jateng", {"50-54 56-59": _JAKARTA}),
    State("YO", "DI Yogyakarta, Yogyakarta, Daerah Istimewa Yogyakarta, Jogja, DIY", {"55": _JAKARTA}),
    State("JI", "Jawa Timur, East Java, Jatim", {"60-69": _JAKARTA}),
    State("KB", "Kalimantan Barat, West Kalimantan, Kalbar", {"78-79": _PONTIANAK}),
    State("KT", "Kalimantan Tengah, Central Kalimantan, Kalteng", {"73-74": _PONTIANAK}),
    State("KS", "Kalimantan Selatan, South Kalimantan, Kalsel", {"70-72": _MAKASSAR}),
    State("KI", "Kalimantan Timur, East Kalimantan, Kaltim", {"75-76": _MAKASSAR}),
    State("KU", "Kalimantan Utara, North Kalimantan, Kaltara", {"77": _MAKASSAR}),
    State("BA", "Bali", {"80-82": _MAKASSAR}),
    State("NB", "Nusa Tenggara Barat, West Nusa Tenggara, NTB", {"83-84": _MAKASSAR}),
    State("NT", "Nusa Tenggara Timur, East Nusa Tenggara, NTT", {"85-87": _MAKASSAR}),
    State("SN", "Sulawesi Selatan, South Sulawesi, Sulsel", {"90-92": _MAKASSAR}),
    State("SR", "Sulawesi Barat, West Sulawesi, Sulbar", {"91": _MAKASSAR}),
    State("SG", "Sulawesi Tenggara, Southeast Sulawesi, Sultra", {"93": _MAKASSAR}),
    State("ST", "Sulawesi Tengah, Central Sulawesi, Sulteng", {"94": _MAKASSAR}),
    State("SA", "Sulawesi Utara, North Sulawesi, Sulut", {"95": _MAKASSAR}),
    State("GO", "Gorontalo", {"96": _MAKASSAR}),
    State("MA", "Maluku, Moluccas", {"97": _JAYAPURA}),
    State("MU", "Maluku Utara, North Maluku, Malut", {"97": _JAYAPURA}),
    State("PA", "Papua", {"98-99": _JAYAPURA}),
    State("PB", "Papua Barat, West Papua, Irian Jaya Barat", {"98": _JAYAPURA}),
    State("PD", "Papua Barat Daya, Southwest Papua", {"98": _JAYAPURA}),
    State("PE", "Papua Pegunungan, Highland Papua", {"98-99": _JAYAPURA}),
    State("PS", "Papua Selatan, South Papua", {"98-99": _JAYAPURA}),
    State("PT", "Papua Tengah, Central Papua", {"98-99": _JAYAPURA}),
)

_ULAANBAATAR = ("Asia/Ulaanbaatar",)
_KHOVD = ("Asia/Hovd",)

_MONGOLIA = (
    State(
        "most",
        "Ulaanbaatar, Ulan Bator, Улаанбаатар, 1, Arkhangai, Архангай, 073, Bayankhongor, Баянхонгор, 069, Bulgan, "
        "Булган, 067, Darkhan-Uul, Darkhan, Дархан-Уул, 037, Dornod, Дорнод, 061, Dornogovi, Дорноговь, 063, Dundgovi, "
        "Дундговь, 059, Govisümber, Говьсүмбэр, 064, Khentii, Хэнтий, 039, Khövsgöl, Хөвсгөл, 041, Ömnögovi, Өмнөговь, "
        "053, Orkhon, Орхон, 035, Övörkhangai, Өвөрхангай, 055, Selenge, Сэлэнгэ, 049, Sükhbaatar, Сүхбаатар, 051, "
        "Töv, Төв, 047",
        {"1-2 4 6": _ULAANBAATAR},
    ),
    State("071", "Bayan-Ölgii, Bayan-Ulgii, Баян-Өлгий", {"83": _KHOVD}),
    State("043", "Khovd, Hovd, Ховд", {"84": _KHOVD}),
    State("046", "Uvs, Увс", {"85": _KHOVD}),
    # Sources disagree about these two.
    State("057", "Zavkhan, Завхан", {"81": _ULAANBAATAR + _KHOVD}),
    State("065", "Govi-Altai, Gobi-Altai, Говь-Алтай", {"82": _ULAANBAATAR + _KHOVD}),
)

_SHANGHAI = ("Asia/Shanghai",)

_CHINA = (
    State(
        "most",
        "Beijing, BJ, 北京, 北京市, Tianjin, TJ, 天津, 天津市, Hebei, HE, 河北, 河北省, Shanxi, SX, 山西, 山西省, "
        "Inner Mongolia, Nei Mongol, NM, 内蒙古, 内蒙古自治区, Liaoning, LN, 辽宁, 辽宁省, Jilin, JL, 吉林, 吉林省, "
        "Heilongjiang, HL, 黑龙江, 黑龙江省, Shanghai, SH, 上海, 上海市, Jiangsu, JS, 江苏, 江苏省, Zhejiang, ZJ, "
        "浙江, 浙江省, Anhui, AH, 安徽, 安徽省, Fujian, FJ, 福建, 福建省, Jiangxi, JX, 江西, 江西省, Shandong, SD, "
        "山东, 山东省, Henan, HA, 河南, 河南省, Hubei, HB, 湖北, 湖北省, Hunan, HN, 湖南, 湖南省, Guangdong, GD, "
        "广东, 广东省, Guangxi, GX, 广西, 广西壮族自治区, Hainan, HI, 海南, 海南省, Chongqing, CQ, 重庆, 重庆市, "
        "Sichuan, SC, 四川, 四川省, Guizhou, GZ, 贵州, 贵州省, Yunnan, YN, 云南, 云南省, Tibet, Xizang, XZ, 西藏, "
        "西藏自治区, Shaanxi, SN, 陕西, 陕西省, Gansu, GS, 甘肃, 甘肃省, Qinghai, QH, 青海, 青海省, Ningxia, NX, "
        "宁夏, 宁夏回族自治区",
        {"0-7 80-82 85-86": _SHANGHAI},
    ),
    # Beijing time is official, a local time is in everyday use.
    State(
        "XJ",
        "Xinjiang, Sinkiang, Xinjiang Uygur, Xinjiang Uyghur, 新疆, 新疆维吾尔自治区",
        {"83-84": (*_SHANGHAI, "Asia/Urumqi")},
    ),
)

ASIA = {
    "ID": Country(_INDONESIA, postcode=r"\d{5}"),
    "MN": Country(_MONGOLIA, postcode=r"\d{5}"),
    "CN": Country(_CHINA, postcode=r"\d{6}"),
}
