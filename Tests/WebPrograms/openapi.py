"""What an OpenAPI document says must come true: values that its schemas allow, values just beyond them, and whether an
answer is what was promised. It knows as much of JSON Schema as streamd's document uses, and refuses the rest."""
import math

KNOWN = {"type", "enum", "minimum", "maximum", "minLength", "maxLength", "maxItems", "minItems", "items", "properties",
         "required", "additionalProperties", "description", "default", "$ref", "unit",
         "nullable"}


class Document:
    def __init__(self, api):
        self.api = api
        self.operations = [(path, method.upper(), operation) for path, item in api["paths"].items()
                           for method, operation in item.items()]

    def resolve(self, thing):
        while "$ref" in thing:
            found = self.api
            for part in thing["$ref"].split("/")[1:]:
                found = found[part]
            thing = found
        unknown = set(thing) - KNOWN if "content" not in thing else set()
        assert not unknown, f"schema with {unknown}"
        return thing

    def answer(self, operation, status, kind):
        """The schema of an answer, or None if there is none for its type."""
        responses = operation["responses"]
        response = responses.get(str(status), responses.get("default"))
        content = self.resolve(response).get("content", {})
        return content.get(kind.split(";")[0].strip(), {}).get("schema")

    def violations(self, schema, value, place="answer"):
        schema = self.resolve(schema)
        if value is None and schema.get("nullable"):
            return []
        kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float), "integer": int}
        wanted = schema.get("type")
        if wanted and (not isinstance(value, kinds[wanted]) or isinstance(value, bool) and wanted in ("integer", "number")):
            return [f"{place} is no {wanted}: {str(value)[:40]}"]
        found = []
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{place} is none of {schema['enum']}: {value}")
        if wanted in ("integer", "number"):
            if not schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf):
                found.append(f"{place} is out of range: {value}")
        if wanted == "array":
            for index, item in enumerate(value):
                found += self.violations(schema.get("items", {}), item, f"{place}[{index}]")
        if wanted == "object":
            found += [f"{place} has no {name}" for name in schema.get("required", []) if name not in value]
            for name, inner in value.items():
                if name in schema.get("properties", {}):
                    found += self.violations(schema["properties"][name], inner, f"{place}.{name}")
                elif schema.get("additionalProperties") is False:
                    found.append(f"{place} has an unknown {name}")
        return found

    # MARK: values

    def allowed(self, schema):
        """Values that a schema allows: an ordinary one first, then those at its bounds."""
        schema = self.resolve(schema)
        if "enum" in schema:
            return list(schema["enum"])
        kind = schema.get("type")
        if kind in ("integer", "number"):
            low, high = schema.get("minimum", -1000), schema.get("maximum", 1000)
            middle = schema.get("default", low if kind == "integer" else (low + high) / 2)
            return [middle, low, high]
        if kind == "boolean":
            return [False, True]
        if kind == "string":
            longest = schema.get("maxLength", 300)
            return ["x", "", "\u00e9" * (longest // 2), "a" * longest]
        if kind == "array":
            one = self.allowed(schema.get("items", {}))[0]
            return [[one], [], [one] * min(schema.get("maxItems", 40), 40)]
        if kind == "object":
            required = {name: self.allowed(schema["properties"][name])[0] for name in schema.get("required", [])}
            every = {name: self.allowed(inner)[0] for name, inner in schema.get("properties", {}).items()}
            return [required, every]
        return ["x", 1, {}, []]

    def forbidden(self, schema):
        """Values that a schema does not allow, each by a little or altogether."""
        schema = self.resolve(schema)
        kind = schema.get("type")
        if kind is None and "enum" not in schema:
            return []
        wrong = {"integer": ["1", 0.5, True, [], {}], "number": ["1", False, [], {}], "boolean": [1, "true", []],
                 "string": [1, True, [], {}], "array": ["x", 1, {}], "object": ["x", 1, []]}.get(kind, [])
        if not schema.get("nullable"):
            wrong = wrong + [None]
        if "enum" in schema:
            return wrong + ["none-of-these", ""]
        if kind in ("integer", "number"):
            step = 1 if kind == "integer" else 0.001
            wrong += [schema["minimum"] - step] if "minimum" in schema else []
            wrong += [schema["maximum"] + step] if "maximum" in schema and schema["maximum"] < 2 ** 53 else []
        if "maxLength" in schema:
            wrong.append("a" * (schema["maxLength"] + 1))
        if "maxItems" in schema:
            wrong.append([self.allowed(schema.get("items", {}))[0]] * (schema["maxItems"] + 1))
        return wrong

    def bodies(self, schema):
        """Each with whether the schema allows it: ordinary, at each bound of each argument, and beyond each."""
        schema = self.resolve(schema)
        properties, required = schema.get("properties", {}), schema.get("required", [])
        least, every = self.allowed(schema) if schema.get("type") == "object" else ({}, {})
        yield least, True
        yield every, True
        for name, inner in properties.items():
            for value in self.allowed(inner):
                yield {**least, name: value}, True
            for value in self.forbidden(inner):
                yield {**least, name: value}, False
        for name in required:
            yield {other: value for other, value in least.items() if other != name}, False
        if schema.get("additionalProperties") is False:
            yield {**least, "unheard_of": 1}, False
