"""Trees -> typed nodes. Type errors are found here."""

from . import ast
from . import operators
from .casts import caster, from_text
from .errors import JobError, RecordError, Unsupported
from .functions import FUNCTIONS
from .node import Node, as_text, coerce, constant, derived, literal_text, strict, together
from .patterns import Regex, like_matcher
from .types import BOOL, FLOAT, INT, UNKNOWN, decimal


class Compiler:
    """Compiles the expressions of one job part; a scope says what the names mean.

    `scope.resolve(name)` gives a Node. `scope.aggregate(call, compiler)` gives a Node for a call that is an
    aggregate, or None.
    """

    def __init__(self, scope, zone):
        self.scope = scope
        # `zone` is for the times of the source; a literal is in UTC, as timestamps are. For a text that is cast there
        # are reasons for both.
        self.cast_zone = "UTC" if zone == "UTC" else None

    def compile(self, tree) -> Node:
        return getattr(self, "on_" + type(tree).__name__.lower())(tree)

    def compile_all(self, trees):
        return [self.compile(tree) for tree in trees]

    def condition(self, tree):
        node = self.compile(tree)
        if node.type != UNKNOWN and node.type != BOOL:
            raise JobError(f"{node.type} where a condition is needed")
        return coerce(node, BOOL)

    def on_literal(self, tree):
        if tree.kind in ("text", "null"):
            return constant(UNKNOWN, tree.value, "UTC")
        if tree.kind == "decimal":
            return constant(decimal(max(0, -tree.value.as_tuple().exponent)), tree.value)
        return constant({"bool": BOOL, "float": FLOAT, "int": INT}[tree.kind], tree.value)

    def on_name(self, tree):
        return self.scope.resolve(tree.name)

    def on_interval(self, tree):
        raise Unsupported("an interval that is not added to a time")

    def on_unary(self, tree):
        if tree.op == "not":
            return strict(BOOL, lambda value: not value, self.condition(tree.value))
        value = self.compile(tree.value)
        negated = operators.negated(value)
        if tree.op == "+":
            return value
        # A number with a sign is a literal, too: round(x, -2).
        if value.is_literal and value.literal is not None:
            return constant(negated.type, negated.run(None))
        return negated

    def on_binary(self, tree):
        if tree.op in ("and", "or"):
            return self.logic(tree)
        if isinstance(tree.right, ast.Interval) and tree.op in ("+", "-"):
            micros = tree.right.micros if tree.op == "+" else -tree.right.micros
            return operators.shifted(self.compile(tree.left), micros)
        left, right = self.compile(tree.left), self.compile(tree.right)
        if tree.op in operators.COMPARISONS:
            return operators.comparison(tree.op, left, right)
        if tree.op == "||":
            return operators.concatenation(left, right)
        if "~" in tree.op:
            return self.match(left, right, tree.op)
        return operators.arithmetic(tree.op, left, right)

    def logic(self, tree):
        """AND and OR from left to right: the right side is not evaluated where the left one decides."""
        left, right = self.condition(tree.left), self.condition(tree.right)
        deciding = tree.op == "or"

        def run(record):
            a = left.run(record)
            if a is deciding:
                return deciding
            b = right.run(record)
            if b is deciding:
                return deciding
            return None if a is None or b is None else not deciding

        return derived(BOOL, run, [left, right])

    def match(self, left, right, op):
        regex = Regex(literal_text(right, "a pattern"), ignore_case=op.endswith("*"))
        wanted = not op.startswith("!")
        return strict(BOOL, lambda text: (regex.search(text) is not None) == wanted, as_text(left))

    def on_like(self, tree):
        value = as_text(self.compile(tree.value))
        pattern = literal_text(self.compile(tree.pattern), "a pattern")
        escape = "\\" if tree.escape is None else literal_text(self.compile(tree.escape), "an escape")
        if len(escape) > 1:
            raise JobError("an escape is one character")
        matches = like_matcher(pattern, escape, tree.ignore_case)
        return strict(BOOL, lambda text: matches(text) != tree.negated, value)

    def on_in(self, tree):
        """x = a OR x = b …, and NOT of that."""
        value = self.compile(tree.value)
        equals = [operators.comparison("=", value, item) for item in self.compile_all(tree.items)]

        def run(record):
            found = False
            for equal in equals:
                answer = equal.run(record)
                if answer:
                    return not tree.negated
                found = None if answer is None else found
            return None if found is None else tree.negated

        return derived(BOOL, run, equals)

    def on_between(self, tree):
        inside = ast.Binary("and", ast.Binary(">=", tree.value, tree.low), ast.Binary("<=", tree.value, tree.high))
        return self.compile(ast.Unary("not", inside) if tree.negated else inside)

    def on_is(self, tree):
        if tree.what == "null":
            value = self.compile(tree.value)
            return derived(BOOL, lambda record: (value.run(record) is None) != tree.negated, [value])
        value = self.condition(tree.value)
        wanted = {"true": True, "false": False, "unknown": None}[tree.what]
        return derived(BOOL, lambda record: (value.run(record) is wanted) != tree.negated, [value])

    def on_distinct(self, tree):
        return operators.distinct(self.compile(tree.left), self.compile(tree.right), tree.negated)

    def on_case(self, tree):
        """Branches are evaluated only when they are reached."""
        conditions = [self.case_condition(tree.operand, condition) for condition, _ in tree.branches]
        values = self.compile_all([value for _, value in tree.branches])
        values.append(self.compile(tree.otherwise or ast.Literal("null", None)))
        kind, values = together(values)

        def run(record):
            for condition, value in zip(conditions, values):
                if condition.run(record):
                    return value.run(record)
            return values[-1].run(record)

        return derived(kind, run, conditions + values)

    def case_condition(self, operand, condition):
        return self.condition(condition if operand is None else ast.Binary("=", operand, condition))

    def on_cast(self, tree):
        value = self.compile(tree.value)
        if value.type == UNKNOWN:
            return constant(tree.type, self.literal_cast(value.literal, tree.type))
        return strict(tree.type, caster(value.type, tree.type, self.cast_zone), value)

    def literal_cast(self, text, kind):
        if text is None:
            return None
        try:
            return from_text(text, kind, "UTC")
        except RecordError as error:
            raise JobError(f"{text!r} is no {kind}: {error}") from None

    def on_call(self, tree):
        aggregate = self.scope.aggregate(tree, self)
        if aggregate is not None:
            return aggregate
        if tree.star or tree.distinct or tree.filter is not None:
            raise JobError(f"{tree.name} is no aggregate, or may not stand here")
        if tree.name not in FUNCTIONS:
            raise Unsupported(f"function {tree.name}")
        return FUNCTIONS[tree.name](*self.compile_all(tree.args))


