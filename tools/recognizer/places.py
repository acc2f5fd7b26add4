"""Makes postal addresses of nine countries from Faker's street and city words, in the forms people write."""

import importlib
from random import Random

from faker import Faker

COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "CA", "AU", "BR")
_LOCALES = {
    "US": "en_US", "GB": "en_GB", "DE": "de_DE", "FR": "fr_FR", "ES": "es_ES", "IT": "it_IT", "CA": "en_CA", "AU": "en_AU", "BR": "pt_BR",
}  # fmt: skip
_CITIES = {
    "US": "New York,Los Angeles,Chicago,Houston,Phoenix,Philadelphia,San Antonio,San Diego,Dallas,Austin,Jacksonville,Fort Worth,Columbus,Charlotte,Seattle,Denver,Boston,El Paso,Portland,Las Vegas,Memphis,Baltimore,Springfield,St. Louis,Salt Lake City",
    "GB": "London,Birmingham,Leeds,Glasgow,Sheffield,Bradford,Liverpool,Edinburgh,Manchester,Bristol,Cardiff,Leicester,Stoke-on-Trent,Newcastle upon Tyne,Kingston upon Hull,Milton Keynes,St Albans,Oxford,Cambridge",
    "DE": "Berlin,Hamburg,München,Köln,Frankfurt am Main,Stuttgart,Düsseldorf,Leipzig,Dortmund,Essen,Bremen,Dresden,Hannover,Nürnberg,Freiburg im Breisgau,Bad Homburg,Sankt Augustin,Mülheim an der Ruhr",
    "FR": "Paris,Marseille,Lyon,Toulouse,Nice,Nantes,Montpellier,Strasbourg,Bordeaux,Lille,Rennes,Saint-Étienne,Le Havre,Aix-en-Provence,Boulogne-Billancourt,La Rochelle,Clermont-Ferrand",
    "ES": "Madrid,Barcelona,Valencia,Sevilla,Zaragoza,Málaga,Murcia,Palma de Mallorca,Bilbao,Las Palmas de Gran Canaria,San Sebastián,A Coruña,Santiago de Compostela",
    "IT": "Roma,Milano,Napoli,Torino,Palermo,Genova,Bologna,Firenze,Bari,Catania,Reggio Calabria,Sesto San Giovanni,Venezia,Ascoli Piceno",
    "CA": "Toronto,Montreal,Vancouver,Calgary,Edmonton,Ottawa,Winnipeg,Québec,Hamilton,St. John's,Kitchener",
    "AU": "Sydney,Melbourne,Brisbane,Perth,Adelaide,Hobart,Darwin,Canberra,Gold Coast,Surry Hills,Alice Springs",
    "BR": "São Paulo,Rio de Janeiro,Brasília,Salvador,Fortaleza,Belo Horizonte,Manaus,Curitiba,Recife,Porto Alegre",
}  # fmt: skip
_STATES = {
    "US": "CA,NY,TX,FL,IL,PA,OH,GA,NC,MI,WA,MA,AZ,CO,OR,NV,UT,MO,TN,VA,NJ,MN,WI,AL,KY",
    "CA": "ON,QC,BC,AB,MB,NS,SK,NB",
    "AU": "NSW,VIC,QLD,WA,SA,TAS,ACT,NT",
    "BR": "SP,RJ,MG,BA,PR,RS,PE,CE,DF,SC",
    "IT": "RM,MI,NA,TO,PA,GE,BO,FI",
}
_SUFFIXES = "Street,St,St.,Avenue,Ave,Ave.,Road,Rd,Boulevard,Blvd,Lane,Ln,Drive,Dr,Court,Ct,Place,Pl,Way,Terrace,Parkway,Pkwy,Highway,Circle,Square,Trail"
_GB_SUFFIXES = "Street,St,Road,Rd,Lane,Avenue,Close,Gardens,Crescent,Terrace,Place,Square,Court,Drive,Way,Grove,Mews,Hill,Row,Walk,Parade,Green"
_ES_TYPES = "Calle,Calle,Calle,C/,Avenida,Avda.,Plaza,Paseo,Ronda,Calle de,Calle de la,Camino,Carrer de"
_IT_TYPES = "Via,Via,Via,Viale,Corso,Piazza,Via della,Via dei,Largo,Vicolo,Strada,Contrada,Piazzale"
_FR_TYPES = "rue,rue,rue de,rue du,rue de la,avenue,avenue de,boulevard,place,chemin,impasse,allée,quai,Rue,Avenue,Boulevard"
_BR_TYPES = "Rua,Rua,Avenida,Av.,Travessa,Alameda,Praça,Rua da,Rua dos,Estrada,Rodovia"
_DE_ENDS = "straße,straße,str.,weg,platz,allee,gasse,ring,damm,ufer, Straße,-Straße,steig,berg,hof,markt"
_DE_STEMS = "Haupt,Bahnhof,Garten,Schul,Linden,Goethe,Schiller,Berg,Kirch,Wald,Ring,Dorf,Rosen,Birken,Mozart,Beethoven,Friedrich,Park,Mühlen,Wiesen"
_DE_WHOLE = "Am Markt,Unter den Linden,An der Alster,Im Winkel,Am Bahnhof,Zum Sportplatz,Alte Gasse,Kurfürstendamm,Am Alten Hafen,In den Wiesen"
_BAIRROS = "Centro,Bela Vista,Copacabana,Boa Viagem,Jardim Paulista,Santa Cecília,Vila Mariana,Moema"


def _pick(random: Random, words: str) -> str:
    return random.choice(words.split(","))


class Places:
    """Draws addresses; `part` says which half of the large cities to use, None for all."""

    def __init__(self, random: Random, part: bool | None) -> None:
        self._random = random
        self._part = part
        self._faker: dict[str, Faker] = {}
        self._italian_cities: list[str] = sorted(
            set(importlib.import_module("faker.providers.address.it_IT").Provider.cities)
        )
        for country, locale in _LOCALES.items():
            self._faker[country] = Faker(locale)
            self._faker[country].seed_instance(random.randrange(1 << 30))

    def address(self, country: str) -> str:
        """Return one address of `country`."""
        make = {
            "US": self._american, "CA": self._american, "AU": self._american, "GB": self._british, "DE": self._german,
            "FR": self._french, "ES": self._spanish, "IT": self._italian, "BR": self._brazilian,
        }[country]  # fmt: skip
        return make(country)

    def _city(self, country: str) -> str:
        if self._random.random() < 0.5:
            own = _CITIES[country].split(",")
            return self._random.choice(own[self._part :: 2] if self._part is not None else own)
        if country == "IT":  # Faker builds this list from a set, so its order changes from run to run
            return self._random.choice(self._italian_cities)
        city: str = self._faker[country].city()
        return (
            city.removeprefix("da ")
            .removeprefix("de ")
            .removeprefix("das ")
            .removeprefix("dos ")
            .removeprefix("do ")
        )

    def _family(self, country: str) -> str:
        return self._faker[country].last_name()

    def _digits(self, pattern: str) -> str:
        return "".join(str(self._random.randrange(10)) if char == "#" else char for char in pattern)

    def _letters(self, pattern: str) -> str:
        chars = (self._random.choice("ABCEGHJKLMNPRSTVXY") if char == "?" else char for char in pattern)
        return self._digits("".join(chars))

    def _gap(self, plain: str = ", ") -> str:
        return plain if self._random.random() < 0.85 else self._random.choice(("\\n", "\n", ",\n", ",\\n"))

    def _number(self, most: int) -> str:
        random = self._random
        number = str(random.randrange(1, most))
        draw = random.random()
        return number + (
            random.choice("abcAB") if draw < 0.08 else f"-{random.randrange(1, 99)}" if draw < 0.1 else ""
        )

    def _english_street(self, country: str, suffixes: str, most: int) -> str:
        random = self._random
        stem = random.choice((
            self._family(country), self._faker[country].first_name(), f"{random.randrange(4, 99)}th",
            _pick(random, "Main,Oak,Maple,Washington,Park,Cedar,High,Church,Station,Victoria,Queen,King,Mill,Elm,Lake,Hill,George,Bridge,Market,Collins"),
            "{} {}".format(_pick(random, "Old,North,South,West,East,Upper,St,Great,Martin Luther"), _pick(random, "Mill,King,Oak,Church,Park,Ridge")),
        ))  # fmt: skip
        street = f"{self._number(most)} {random.choice(('N ', 'W. ', 'South ', 'E ')) if random.random() < 0.1 and country != 'GB' else ''}{stem} {_pick(random, suffixes)}"
        if random.random() < 0.03:
            street = f"{self._number(most)} {_pick(random, 'Broadway,The Strand,Wall Street,Piccadilly,Kingsway,Broadmead,Cheapside')}"
        return street

    def _american(self, country: str) -> str:
        random = self._random
        street = self._english_street(country, _SUFFIXES, 20000 if country == "US" else 999)
        if random.random() < 0.25:
            unit = _pick(random, "Apt #,Apt. ##,Suite ###,Ste ##,Unit #,№##,Apt #B,Floor #")
            street += random.choice((", ", " ")) + self._digits(unit).replace("№", "#")
        state = _pick(random, _STATES[country])
        if country == "US":
            code = self._digits("#####" if random.random() < 0.9 else "#####-####")
        elif country == "CA":
            code = self._letters(random.choice(("?#? #?#", "?#? #?#", "?#?#?#")))
        else:
            code = self._digits("####")
        between = random.choice((", ", ", ", " ")) if country != "AU" else random.choice((" ", " ", ", "))
        return f"{street}{self._gap()}{self._city(country)}{between}{state} {code}"

    def _british(self, country: str) -> str:
        random = self._random
        street = self._english_street(country, _GB_SUFFIXES, 300)
        if random.random() < 0.15:
            street = f"Flat {random.randrange(1, 40)}, {street}"
        if random.random() < 0.15:
            street += f", {self._faker[country].city()}"
        code = self._letters(random.choice(("?# #??", "?## #??", "??# #??", "??## #??", "??#? #??"))).replace(
            " 0", " 1"
        )
        return f"{street}{self._gap()}{self._city(country)}{random.choice((', ', ' ', ' '))}{code}"

    def _german(self, country: str) -> str:
        random = self._random
        draw = random.random()
        if draw < 0.15:
            street = _pick(random, _DE_WHOLE)
        elif draw < 0.6:
            street = _pick(random, _DE_STEMS) + _pick(random, _DE_ENDS)
        else:
            street = self._family(country) + _pick(random, _DE_ENDS)
        zipped = random.choice(("", "", "", "", "D-")) + self._digits("#####")
        return f"{street} {self._number(200)}{self._gap(random.choice((', ', ', ', ' ')))}{zipped} {self._city(country)}"

    def _french(self, country: str) -> str:
        random = self._random
        number = str(random.randrange(1, 300)) + random.choice(("", "", "", " bis", " ter", ","))
        stem = random.choice(
            (
                self._family(country),
                f"{self._faker[country].first_name()} {self._family(country)}",
                _pick(random, "Paix,Rivoli,République,Victor Hugo,Gare,l'Église,Général de Gaulle,Tilleuls"),
            )
        )
        return f"{number} {_pick(random, _FR_TYPES)} {stem}{self._gap(random.choice((', ', ', ', ' ')))}{self._digits('#####')} {self._city(country)}"

    def _spanish(self, country: str) -> str:
        random = self._random
        stem = random.choice(
            (
                self._family(country),
                f"{self._faker[country].first_name()} {self._family(country)}",
                _pick(random, "Mayor,Alcalá,Gran Vía,Serrano,San Juan,Constitución,Real,Colón"),
            )
        )
        floor = random.choice(
            (
                "",
                "",
                "",
                f", {random.randrange(1, 9)}º {random.choice('ABCD')}",
                f", {random.randrange(1, 9)}º",
            )
        )
        number = (
            random.choice((" ", ", ", ", ")) + random.choice(("", "", "nº ")) + str(random.randrange(1, 200))
        )
        return f"{_pick(random, _ES_TYPES)} {stem}{number}{floor}{self._gap()}{self._digits('#####')} {self._city(country)}"

    def _italian(self, country: str) -> str:
        random = self._random
        stem = random.choice(
            (
                self._family(country),
                f"{self._faker[country].first_name()} {self._family(country)}",
                _pick(
                    random, "Roma,Garibaldi,Mazzini,Dante Alighieri,XX Settembre,Verdi,San Marco,Nazionale"
                ),
            )
        )
        province = random.choice(
            ("", "", f" ({_pick(random, _STATES['IT'])})", f" {_pick(random, _STATES['IT'])}")
        )
        return f"{_pick(random, _IT_TYPES)} {stem}{random.choice((' ', ', '))}{self._number(200)}{self._gap(random.choice((', ', ', ', ' - ', ' ')))}{self._digits('#####')} {self._city(country)}{province}"

    def _brazilian(self, country: str) -> str:
        random = self._random
        stem = random.choice(
            (
                self._family(country),
                f"{self._faker[country].first_name()} {self._family(country)}",
                _pick(
                    random,
                    "Paulista,das Flores,Augusta,Sete de Setembro,Brasil,XV de Novembro,Getúlio Vargas",
                ),
            )
        )
        bairro = random.choice(("", f"{random.choice((', ', ' - '))}{_pick(random, _BAIRROS)}"))
        flat = random.choice(
            ("", "", f", apto {random.randrange(1, 200)}", f" - Sala {random.randrange(1, 20)}")
        )
        state = _pick(random, _STATES["BR"])
        street = f"{_pick(random, _BR_TYPES)} {stem}, {random.randrange(1, 3000)}{flat}{bairro}"
        if random.random() < 0.3:
            return f"{street}{self._gap()}{self._digits('#####-###')} {self._city(country)}{random.choice((' - ', '/'))}{state}"
        return f"{street}{self._gap()}{self._city(country)}{random.choice((' - ', '/', ', '))}{state}{random.choice((', ', ', ', ' - ', ' '))}{random.choice(('', '', 'CEP '))}{self._digits('#####-###')}"


def known_places() -> list[str]:
    """Return the names of cities, regions and countries in Faker's lists, sorted."""
    found: set[str] = set()
    for locale in _PLACE_LOCALES:
        provider = importlib.import_module(f"faker.providers.address.{locale}").Provider
        for attribute in _PLACE_LISTS:
            found.update(value for value in getattr(provider, attribute, ()) if isinstance(value, str))
    for cities in _CITIES.values():
        found.update(cities.split(","))
    return sorted(place for place in found if " " in place)


_PLACE_LOCALES = (
    "en",
    "en_US",
    "en_GB",
    "en_CA",
    "en_AU",
    "en_IN",
    "de_DE",
    "de_AT",
    "de_CH",
    "fr_FR",
    "fr_CH",
    "es_ES",
    "es_MX",
    "es_CO",
    "it_IT",
    "pt_BR",
    "pt_PT",
    "nl_NL",
    "pl_PL",
    "id_ID",
    "en_PH",
)
_PLACE_LISTS = (
    "cities",
    "countries",
    "states",
    "estados",
    "regions",
    "departments",
    "provinces",
    "cantons",
    "city_names",
    "cities_capital",
    "counties",
    "territories",
)
