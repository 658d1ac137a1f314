#include "runtime/core/evaluate.h"

#include <re2/re2.h>

#include "runtime/core/functions.h"
#include "runtime/core/operators.h"
#include "runtime/core/read.h"
#include "runtime/core/text.h"
#include "runtime/core/write.h"

namespace omen {
namespace {

// The operand is folded already and a text is folded once, but the elements of a list are when each is compared.
bool folds_elements(const PreparedTest& test, const Value& value) { return test.fold && value.kind == Kind::list; }

Truth test_list(const PreparedTest& test, Value value, Scratch& scratch) {
  if (test.fold && value.kind == Kind::text) value = Value::of_text(with_case(Case::fold, value.bytes(), scratch));
  if (test.relation == Relation::equal) return test.list->contains(value);
  Truth any = value.is_missing() ? Truth::unknown : Truth::no;
  for (const Value& element : test.list->values) {
    any = disjunction(any, relate(test.relation, folds_elements(test, value), value, element, scratch));
  }
  return any;
}

Truth test_relation(const PreparedTest& test, Value value, Scratch& scratch) {
  if (test.fold && value.kind == Kind::text) value = Value::of_text(with_case(Case::fold, value.bytes(), scratch));
  return relate(test.relation, folds_elements(test, value), value, test.constant, scratch);
}

// The commonest tests are done here, the others behind a call.
inline Truth passes(const PreparedTest& test, const Evaluation& evaluation) {
  if (evaluation.candidate == nullptr) return Truth::unknown;
  const Value& value = evaluation.candidate->fields[test.field];
  switch (test.way) {
    case PreparedTest::Way::exists:
      return value.is_missing() ? Truth::no : Truth::yes;
    case PreparedTest::Way::missing:
      return value.is_missing() ? Truth::yes : Truth::no;
    case PreparedTest::Way::is_true:
      return truth_of(value);
    case PreparedTest::Way::is_false:
      return negation(truth_of(value));
    case PreparedTest::Way::integer:
    case PreparedTest::Way::number: {
      bool holds = false;
      if (!test.compares(value, holds)) break;
      return holds ? Truth::yes : Truth::no;
    }
    case PreparedTest::Way::text: {
      if (value.kind != Kind::text) break;
      const uint8_t order = value.bytes() == test.constant.bytes() ? order_bit(0, 0) : order_bit(0, 1);
      return test.accepts(order) ? Truth::yes : Truth::no;
    }
    case PreparedTest::Way::relate:
      break;
    case PreparedTest::Way::any_of:
      return test_list(test, value, evaluation.scratch);
    case PreparedTest::Way::none_of:
      return negation(test_list(test, value, evaluation.scratch));
  }
  return test_relation(test, value, evaluation.scratch);
}

Value attribute_of(const Event* event, Attribute attribute) {
  if (event == nullptr) return {};
  switch (attribute) {
    case Attribute::type:
      return Value::of_text(event->type_name);
    case Attribute::ts:
      return Value::of_time(event->time_us);
    case Attribute::id:
      return event->id.empty() ? Value() : Value::of_text(event->id);
  }
  return {};
}

Value match_value(MatchValue which, const Evaluation& evaluation) {
  switch (which) {
    case MatchValue::start:
      return Value::of_time(evaluation.start_us);
    case MatchValue::end:
      return Value::of_time(evaluation.end_us);
    case MatchValue::duration:
      return Value::of_duration(evaluation.end_us - evaluation.start_us);
  }
  return {};
}

Truth any_of_list(const Instruction& instruction, Value value, const Evaluation& evaluation) {
  PreparedTest test;
  test.relation = Relation(instruction.small);
  test.fold = instruction.fold;
  test.list = &evaluation.prepared.list(instruction.index);
  return test_list(test, value, evaluation.scratch);
}

// The right side of a text relation may be a list: any of its elements.
Truth relate_values(const Instruction& instruction, const Value& a, const Value& b, Scratch& scratch) {
  const auto relation = Relation(instruction.small);
  if (relation >= Relation::contains && b.kind == Kind::list) {
    return relate_any(relation, instruction.fold, a, b, scratch);
  }
  return relate(relation, instruction.fold, a, b, scratch);
}

Truth matches(const Instruction& instruction, const Value& value, const Prepared& prepared) {
  if (value.kind != Kind::text) return Truth::unknown;
  const re2::StringPiece text(value.data, value.size);
  for (uint32_t i = 0; i < instruction.small; ++i) {
    if (re2::RE2::PartialMatch(text, prepared.regex(instruction.index + i))) return Truth::yes;
  }
  return Truth::no;
}

Value object_of(const std::vector<std::string>& members, const Value* values, Scratch& scratch) {
  std::string& out = scratch.text;
  out = "{";
  for (size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, Value::of_text(members[i]));
    out += ':';
    append_json(out, values[i]);
  }
  out += '}';
  return Value::of_object(scratch.keep(out));
}

// The events of the last `back_us` before the match's end.
Value history(int64_t back_us, const Evaluation& evaluation) {
  std::string& out = evaluation.scratch.text;
  out = "[";
  for (const KeptEvent* event : evaluation.history) {
    if (event->time_us < evaluation.end_us - back_us) continue;
    if (out.size() > 1) out += ',';
    out += event->raw();
  }
  out += ']';
  return Value::of_list(evaluation.scratch.keep(out));
}

Value lookup(const Lookup& lookup, const Value& key, const Evaluation& evaluation) {
  const LookupTable* table = evaluation.prepared.table(lookup.table);
  const LookupTable::Row* row = table == nullptr ? nullptr : table->find(key, evaluation.scratch.text);
  if (row == nullptr) return {};
  return lookup.column == Lookup::whole ? row->whole : row->columns[lookup.column];
}

// The machine. `top` is the newest value of a stack that is large enough (Code::depth). An instruction takes its
// operands from the top and leaves one value in their place; binary ones leave it where their left side was. Jumps
// only go forward, over the right side of an `and` or `or` whose left side has decided, so the loop ends. Whatever
// needs more than a few lines is a call, so that the loop stays small enough for the instruction cache.
Value run(const Code& code, const Evaluation& evaluation) {
  const Prepared& prepared = evaluation.prepared;
  Scratch& scratch = evaluation.scratch;
  const Event* const candidate = evaluation.candidate;
  Value* top = scratch.stack(code.depth + 1);  // the place below the first value is never used
  const Instruction* const begin = code.instructions.data();
  const Instruction* const end = begin + code.instructions.size();
  for (const Instruction* at = begin; at != end; ++at) {
    const uint32_t index = at->index;
    switch (at->op) {
      case Opcode::constant:
        *++top = prepared.constant(index);
        break;
      case Opcode::field:
        *++top = candidate == nullptr ? Value() : candidate->fields[index];
        break;
      case Opcode::attribute:
        *++top = attribute_of(candidate, Attribute(at->small));
        break;
      case Opcode::whole:
        *++top = candidate == nullptr ? Value() : Value::of_object(candidate->raw);
        break;
      case Opcode::key:
        *++top = index < evaluation.key.size() ? evaluation.key[index] : Value();
        break;
      case Opcode::match_value:
        *++top = match_value(MatchValue(at->small), evaluation);
        break;
      case Opcode::read:
        *++top = read_bound(evaluation.program.code.reads[index], evaluation);
        break;
      case Opcode::history:
        *++top = history(evaluation.program.code.histories_us[index], evaluation);
        break;
      case Opcode::lookup:
        *top = lookup(evaluation.program.code.lookups[index], *top, evaluation);
        break;
      case Opcode::measure:
        *++top = index < evaluation.measures.size() ? evaluation.measures[index] : Value();
        break;
      case Opcode::test:
        *++top = value_of(passes(prepared.test(index), evaluation));
        break;
      case Opcode::relate:
        --top;
        *top = value_of(relate_values(*at, top[0], top[1], scratch));
        break;
      case Opcode::in:
        --top;
        *top = value_of(relate_any(Relation::equal, at->fold, top[0], top[1], scratch));
        break;
      case Opcode::any_of_list:
        *top = value_of(any_of_list(*at, *top, evaluation));
        break;
      case Opcode::any_of_read:
        *top = value_of(
            relate_any_bound(Relation(at->small), at->fold, *top, evaluation.program.code.reads[index], evaluation));
        break;
      case Opcode::matches:
        *top = value_of(matches(*at, *top, prepared));
        break;
      case Opcode::jump_if_false:
        if (truth_of(*top) == Truth::no) at = begin + index - 1;
        break;
      case Opcode::jump_if_true:
        if (truth_of(*top) == Truth::yes) at = begin + index - 1;
        break;
      case Opcode::logical_and:
        --top;
        *top = value_of(conjunction(truth_of(top[0]), truth_of(top[1])));
        break;
      case Opcode::logical_or:
        --top;
        *top = value_of(disjunction(truth_of(top[0]), truth_of(top[1])));
        break;
      case Opcode::logical_not:
        *top = value_of(negation(truth_of(*top)));
        break;
      case Opcode::negate:
        *top = negate(*top);
        break;
      case Opcode::add:
        --top;
        *top = add(top[0], top[1], scratch);
        break;
      case Opcode::subtract:
        --top;
        *top = subtract(top[0], top[1]);
        break;
      case Opcode::multiply:
        --top;
        *top = multiply(top[0], top[1]);
        break;
      case Opcode::divide:
        --top;
        *top = divide(top[0], top[1]);
        break;
      case Opcode::modulo:
        --top;
        *top = modulo(top[0], top[1]);
        break;
      case Opcode::call:
        top -= index - 1;
        *top = call(Function(at->small), {top, index}, scratch);
        break;
      case Opcode::call_zone:
        *top = call_in_zone(Function(at->small), *top, prepared.zone(index), scratch);
        break;
      case Opcode::list: {
        top = top + 1 - index;
        scratch.text.clear();
        append_json_list(scratch.text, top, index);
        *top = Value::of_list(scratch.keep(scratch.text));
        break;
      }
      case Opcode::object: {
        const std::vector<std::string>& members = evaluation.program.code.objects[index];
        top = top + 1 - members.size();
        *top = object_of(members, top, scratch);
        break;
      }
    }
  }
  return *top;
}

}  // namespace

// Texts that were made on the way are dropped at once: one event may be tested against ten thousand runs.
bool holds(PredicateId id, const Evaluation& evaluation) {
  const PreparedPredicate& predicate = evaluation.prepared.predicate(id);
  if (predicate.count == 0) return truth_of(evaluate(predicate.code, evaluation)) == Truth::yes;
  const Scratch::Mark mark = evaluation.scratch.mark();
  const PreparedTest* const tests = evaluation.prepared.tests(predicate);
  bool all = true;
  for (uint32_t i = 0; all && i < predicate.count; ++i) all = passes(tests[i], evaluation) == Truth::yes;
  evaluation.scratch.rewind(mark);
  return all;
}

Value evaluate(CodeId code, const Evaluation& evaluation) {
  const Scratch::Mark mark = evaluation.scratch.mark();
  const Value value = run(evaluation.program.code.codes[code], evaluation);
  if (!value.has_bytes()) evaluation.scratch.rewind(mark);
  return value;
}

void render(TemplateId text, const Evaluation& evaluation, std::string& out) {
  for (const TemplatePiece& piece : evaluation.program.code.templates[text]) {
    if (piece.code == code_none) {
      out += piece.text;
    } else {
      append_shown(out, evaluate(piece.code, evaluation), piece.format, evaluation.scratch);
    }
  }
}

}  // namespace omen
