"""Names of the languages that countries are listed with, by their ISO 639 codes; our own table."""

_TABLE = """
aa Afar | ady Adyghe | af Afrikaans | ak Akan | am Amharic | ar Arabic | as Assamese | av Avar | ay Aymara
az Azerbaijani | ba Bashkir | bal Balochi | be Belarusian | bem Bemba | bg Bulgarian | bho Bhojpuri
bi Bislama | bm Bambara | bn Bengali | br Breton | brh Brahui | bs Bosnian | bua Buryat | ca Catalan
cab Garifuna | ce Chechen | ceb Cebuano | ch Chamorro | chk Chuukese | chm Mari | cmn Mandarin
co Corsican | cs Czech | cv Chuvash | cy Welsh | da Danish | dag Dagbani | de German | dje Zarma
doi Dogri | dv Dhivehi | dz Dzongkha | ee Ewe | el Greek | en English | es Spanish | et Estonian
eu Basque | fa Persian | ff Fulah | fi Finnish | fil Filipino | fj Fijian | fo Faroese | fr French
fy Frisian | ga Irish | gag Gagauz | gd Scottish Gaelic | gil Gilbertese | gl Galician | gn Guarani
gu Gujarati | gv Manx | ha Hausa | hak Hakka Chinese | haw Hawaiian | he Hebrew | hi Hindi
hil Hiligaynon | ho Hiri Motu | hr Croatian | ht Haitian Creole | hu Hungarian | hy Armenian | hz Herero
id Indonesian | ig Igbo | ilo Ilocano | inh Ingush | is Icelandic | it Italian | iu Inuktitut
ja Japanese | jv Javanese | ka Georgian | kbd Kabardian | kg Kongo | kk Kazakh | kl Greenlandic | km Khmer
kn Kannada | ko Korean | kok Konkani | kos Kosraean | kr Kanuri | krc Karachay-Balkar | ks Kashmiri
ku Kurdish | kv Komi | ky Kyrgyz | la Latin | lb Luxembourgish | lg Ganda | ln Lingala | lo Lao | loz Lozi
lt Lithuanian | lua Luba-Lulua | lun Lunda | lus Mizo | lv Latvian | mdf Moksha | men Mende | mg Malagasy
mh Marshallese | mi Maori | miq Miskito | mk Macedonian | ml Malayalam | mn Mongolian | mni Manipuri
mos Mossi | mr Marathi | ms Malay | mt Maltese | mwl Mirandese | my Burmese | myv Erzya | na Nauruan
nan Min Nan Chinese | naq Nama | nd Northern Ndebele | ne Nepali | niu Niuean | nl Dutch | no Norwegian
nog Nogai | nr Southern Ndebele | nso Northern Sotho | ny Chichewa | oc Occitan | om Oromo | or Odia
pa Punjabi | pag Pangasinan | pam Kapampangan | pap Papiamento | pau Palauan | pl Polish | pon Pohnpeian
ps Pashto | pt Portuguese | qu Quechua | rm Romansh | rn Rundi | ro Romanian | rom Romani | ru Russian
rw Kinyarwanda | sa Sanskrit | sah Yakut | sat Santali | sc Sardinian | sd Sindhi | se Northern Sami
sg Sango | si Sinhala | sid Sidamo | sk Slovak | sl Slovenian | sm Samoan | sn Shona | snk Soninke
so Somali | sq Albanian | sr Serbian | srn Sranan Tongo | ss Swati | st Sotho | sv Swedish | sw Swahili
ta Tamil | te Telugu | tem Temne | tet Tetum | tg Tajik | th Thai | ti Tigrinya | tk Turkmen
tkl Tokelauan | tl Tagalog | tn Tswana | to Tongan | toi Tonga | tpi Tok Pisin | tr Turkish | ts Tsonga
tt Tatar | tum Tumbuka | tvl Tuvaluan | tw Twi | ty Tahitian | tyv Tuvan | udm Udmurt | ug Uyghur
uk Ukrainian | ur Urdu | uz Uzbek | ve Venda | vi Vietnamese | war Waray | wls Wallisian | wo Wolof
wuu Wu Chinese | xal Kalmyk | xh Xhosa | yao Yao | yap Yapese | yo Yoruba | yue Cantonese | za Zhuang
zh Chinese | zu Zulu
"""

LANGUAGES: dict[str, str] = {
    code: name
    for line in _TABLE.strip().splitlines()
    for code, name in (item.strip().split(" ", 1) for item in line.split("|"))
}
