"""The records of workload.ts and generated-columns.ts, as the dictionaries that bytewax takes."""

from datetime import datetime, timedelta

FIRST_TS = datetime(1970, 1, 1) + timedelta(seconds=1_700_000_000)
NAMES = ["Alice", "Bob", "Charlie", "Diana", "Eve"]
LOCATIONS = ["New York", "Los Angeles", "Chicago", "Houston", "Phoenix"]
PRICE_PARTS = 10
LINES = 3

LETTERS = {
    "ascii": "the quick brown fox jumps over a lazy dog ",
    "latin": "äöüßéèêñçåøæîôûáíóúýþð",
    "cjk": "数据库引擎将记录批量写入表中并返回回执",
    "emoji": "🦆🐤🐣🐥🪿🦢🐧🕊🐦🦉🦅🌊",
}


def create_batch(dataset, first, rows):
    """The records `first` to `first + rows` of a dataset."""
    if dataset["kind"] == "columns":
        return create_generated(dataset["columns"], first, rows)
    nest = NESTINGS[dataset["nesting"]]
    return [nest(create_record(i)) for i in range(first, first + rows)]


def create_record(i):
    return {
        "id": i,
        "name": NAMES[i % 5],
        "age": 20 + i % 40,
        "location": LOCATIONS[i * 7 % 5],
        "price": i * 1.37,
        "ok": i % 3 == 0,
        "ts": FIRST_TS + timedelta(seconds=i),
        "note": f"order {i} shipped from warehouse {i % 97} to customer {i * 31 % 10007}",
    }


# The columns are inserted by their position, so each record has its fields in the order of its table's columns.


def with_list(r):
    return {
        "id": r["id"],
        "name": r["name"],
        "age": r["age"],
        "location": r["location"],
        "prices": [r["price"] / PRICE_PARTS] * PRICE_PARTS,
        "ok": r["ok"],
        "ts": r["ts"],
        "note": r["note"],
    }


def with_struct(r):
    person = {"name": r["name"], "age": r["age"], "location": r["location"], "ok": r["ok"]}
    return {"id": r["id"], "person": person, "price": r["price"], "ts": r["ts"], "note": r["note"]}


def with_list_of_struct(r):
    lines = [
        {"name": r["name"], "age": r["age"], "location": r["location"], "price": r["price"] / LINES}
        for _ in range(LINES)
    ]
    return {"id": r["id"], "lines": lines, "ok": r["ok"], "ts": r["ts"], "note": r["note"]}


NESTINGS = {
    "none": lambda record: record,
    "list": with_list,
    "struct": with_struct,
    "list-of-struct": with_list_of_struct,
}


def create_generated(columns, first, rows):
    makers = [(column["name"], maker_of(column)) for column in columns]
    return [{name: make(i) for name, make in makers} for i in range(first, first + rows)]


def maker_of(column):
    make = MAKERS[column["kind"]](column)
    percent = column["nullPercent"]
    if percent == 0:
        return make
    offset = ord(column["name"][-1])
    return lambda i: None if (i * 37 + offset) % 100 < percent else make(i)


def text_maker(column):
    alphabet = column["alphabet"]
    letters = LETTERS[alphabet]
    length = len(letters)
    letter_bytes = len(letters[0].encode())
    size = column["bytes"]
    distinct = column["distinct"]
    endless = letters * (size // length + 2)

    def make(i):
        number = str(i % distinct if distinct else i)
        at = i % length
        return number + endless[at : at + (size - len(number)) // letter_bytes]

    return make


MAKERS = {
    "integer": lambda column: lambda i: i,
    "double": lambda column: lambda i: i * 0.25,
    "boolean": lambda column: lambda i: i % 3 == 0,
    "timestamp": lambda column: lambda i: FIRST_TS + timedelta(seconds=i),
    "text": text_maker,
}
