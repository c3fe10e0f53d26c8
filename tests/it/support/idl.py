# SPDX-License-Identifier: MIT
"""A Varlink interface description, and whether a value is of one of its types."""
import re


class Description:
    def __init__(self, text):
        self._tokens = re.findall(r"->|[\w.]+|[^\s\w]", re.sub(r"#.*", "", text))
        self.types, self.methods, self.errors = {}, {}, {}
        self.seen = set()  # (type, field) of what was looked at; a method's answer is Method(), an error Error!
        self._expect("interface")
        self.name = self._next()
        while self._tokens:
            word, name = self._next(), self._next()
            if word == "type":
                self.types[name] = self._fields()
            elif word == "error":
                self.errors[name] = self._fields()
            elif word == "method":
                given = self._fields()
                self._expect("->")
                self.methods[name] = (given, self._fields())
            else:
                raise ValueError(f"what is {word}?")

    def _next(self):
        return self._tokens.pop(0)

    def _expect(self, token):
        got = self._next()
        if got != token:
            raise ValueError(f"{got} instead of {token}")

    def _fields(self):
        fields = {}
        self._expect("(")
        while self._tokens[0] != ")":
            name = self._next()
            self._expect(":")
            fields[name] = self._type()
            if self._tokens[0] != ",":
                break
            self._next()
        self._expect(")")
        return fields

    def _type(self):
        token = self._next()
        if token == "?":
            return ("?", self._type())
        if token == "[":
            kind = "[]"
            if self._tokens[0] != "]":
                self._expect("string")
                kind = "[string]"
            self._expect("]")
            return (kind, self._type())
        return token

    def problems(self, value, kind, where):
        """What is wrong with @value as one of @kind, as a list of sentences."""
        basic = {"string": str, "int": int, "bool": bool, "object": dict}
        if isinstance(kind, str):
            if kind in self.types:
                return self.wrong_fields(value, kind, self.types[kind], where)
            fits = isinstance(value, basic[kind]) and not (kind == "int" and isinstance(value, bool))
            return [] if fits else [f"{where}: {value!r} is no {kind}"]
        outer, inner = kind
        if outer == "?":
            return [] if value is None else self.problems(value, inner, where)
        if not isinstance(value, list if outer == "[]" else dict):
            return [f"{where}: {value!r} is no {outer}"]
        members = enumerate(value) if outer == "[]" else value.items()
        return [wrong for key, member in members for wrong in self.problems(member, inner, f"{where}[{key}]")]

    def wrong_fields(self, value, owner, fields, where):
        if not isinstance(value, dict):
            return [f"{where}: {value!r} is no object"]
        self.seen.update((owner, key) for key in value if value[key] is not None)
        wrong = [f"{where}.{key} is not described" for key in value if key not in fields]
        for key, kind in fields.items():
            if key in value:
                wrong += self.problems(value[key], kind, f"{where}.{key}")
            elif kind[0] != "?":
                wrong.append(f"{where}.{key} is missing")
        return wrong

    def wrong_answer(self, method, parameters):
        return self.wrong_fields(parameters, f"{method}()", self.methods[method][1], method)

    def wrong_error(self, name, parameters):
        self.seen.add((f"{name}!", ""))
        return self.wrong_fields(parameters, f"{name}!", self.errors[name], name)

    def unseen(self):
        """What is described and has not been seen, as seen has it; of an error itself, "" for a field."""
        described = {(name, field) for name, fields in self.types.items() for field in fields}
        described |= {(f"{name}()", field) for name, (_, fields) in self.methods.items() for field in fields}
        described |= {(f"{name}!", field) for name, fields in self.errors.items() for field in ["", *fields]}
        return described - self.seen
