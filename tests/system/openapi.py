"""Is an answer what openapi.json says? A validator of the part of JSON Schema that the gateway's description uses; a keyword
it does not know is an error, so that nothing described goes unchecked."""

import json
import re
import urllib.parse

ANNOTATIONS = {"description", "contentEncoding"}
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class Mismatch(AssertionError):
    pass


class Api:
    def __init__(self, document):
        self.schemas = document["components"]["schemas"]
        self.checked = {}  # (method, template) -> how many JSON answers that are no problem were checked
        self.operations = []
        for template, operations in document["paths"].items():
            pattern = re.compile(re.sub(r"{\w+}", "[^/]+", template))
            for method, operation in operations.items():
                self.operations.append((method.upper(), pattern, template, operation))
        self.operations.sort(key=lambda one: "{" in one[2])  # /cases/new before /cases/{id}

    def find(self, method, path):
        method = "GET" if method == "HEAD" else method
        for known, pattern, template, operation in self.operations:
            if known == method and pattern.fullmatch(path):
                return template, operation
        return None, None

    def check(self, method, path, answer):
        template, operation = self.find(method, urllib.parse.urlsplit(path).path)
        kind = answer.headers.get("content-type", "").split(";")[0]
        if answer.status >= 400:
            described = operation["responses"]["default"] if operation else {
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        elif answer.status == 304 or operation is None:
            return
        else:
            described = operation["responses"].get(str(answer.status))
        where = f"{method} {template or path}: {answer.status}"
        if not described:
            raise Mismatch(f"{where} is not described, only {sorted(operation['responses'])}")
        if kind not in described["content"] and "*/*" not in described["content"]:
            raise Mismatch(f"{where} is {kind}, described are {sorted(described['content'])}")
        if kind in described["content"] and kind.endswith("json") and method != "HEAD":
            self.fits(json.loads(answer.body), described["content"][kind]["schema"], where)
            if answer.status < 400:
                self.checked[method, template] = self.checked.get((method, template), 0) + 1

    def fits(self, value, schema, where):
        """Raises Mismatch, which says where."""
        for keyword, argument in schema.items():
            if keyword in ANNOTATIONS or keyword in ("properties", "additionalProperties"):
                continue  # these two: below, together
            check = getattr(self, "check_" + keyword.replace("$", ""), None)
            if not check:
                raise Mismatch(f"{where}: the schema has {keyword}, which is not known here")
            check(value, argument, where)
        if isinstance(value, dict) and ("properties" in schema or "additionalProperties" in schema):
            self.check_members(value, schema, where)

    def check_members(self, value, schema, where):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name, inner in value.items():
            if name in known:
                self.fits(inner, known[name], f"{where}.{name}")
            elif others is False:
                raise Mismatch(f"{where}.{name} is not described, only {sorted(known)}")
            elif others is not True:
                self.fits(inner, others, f"{where}.{name}")

    def check_ref(self, value, argument, where):
        self.fits(value, self.schemas[argument.removeprefix("#/components/schemas/")], where)

    def check_type(self, value, argument, where):
        if not isinstance(value, KINDS[argument]) or (argument != "boolean" and isinstance(value, bool)):
            raise Mismatch(f"{where}: {value!r:.200} is no {argument}")

    def check_required(self, value, argument, where):
        missing = [name for name in argument if isinstance(value, dict) and name not in value]
        if missing:
            raise Mismatch(f"{where}: {missing} missing in {value!r:.300}")

    def check_items(self, value, argument, where):
        for n, inner in enumerate(value if isinstance(value, list) else []):
            self.fits(inner, argument, f"{where}[{n}]")

    def check_maxItems(self, value, argument, where):
        if isinstance(value, list) and len(value) > argument:
            raise Mismatch(f"{where}: {len(value)} items, at most {argument}")

    def check_anyOf(self, value, argument, where):
        whys = []
        for schema in argument:
            try:
                return self.fits(value, schema, where)
            except Mismatch as why:
                whys.append(str(why))
        raise Mismatch(f"{where} is none of: " + "; or ".join(whys))

    def check_enum(self, value, argument, where):
        if value not in argument:
            raise Mismatch(f"{where}: {value!r:.200} is none of {argument}")

    def check_pattern(self, value, argument, where):
        if isinstance(value, str) and not re.search(argument, value):
            raise Mismatch(f"{where}: {value!r:.200} is not {argument}")

    def check_minimum(self, value, argument, where):
        if isinstance(value, (int, float)) and value < argument:
            raise Mismatch(f"{where}: {value} is less than {argument}")

    def check_format(self, value, argument, where):
        if argument != "date-time":
            raise Mismatch(f"{where}: the format {argument} is not known here")
        if not INSTANT.fullmatch(value):
            raise Mismatch(f"{where}: {value!r:.200} is no instant")
