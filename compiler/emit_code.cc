#include "compiler/emit_code.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace omen {
namespace {

using ExprKind = TypedExpr::Kind;

// Tables whose entries are there once, by the letter that their keys begin with.
constexpr char constants_table = 'c', lists_table = 'l', reads_table = 'r', tests_table = 't', zones_table = 'z',
               codes_table = 'x', predicates_table = 'p', lookups_table = 'k';

constexpr std::pair<std::string_view, Function> functions[] = {{"exists", Function::exists},
                                                               {"missing", Function::missing},
                                                               {"coalesce", Function::coalesce},
                                                               {"lower", Function::lower},
                                                               {"upper", Function::upper},
                                                               {"len", Function::len},
                                                               {"substring", Function::substring},
                                                               {"index_of", Function::index_of},
                                                               {"concat", Function::concat},
                                                               {"string", Function::string},
                                                               {"number", Function::number},
                                                               {"abs", Function::abs},
                                                               {"round", Function::round},
                                                               {"floor", Function::floor},
                                                               {"ceil", Function::ceil},
                                                               {"hour", Function::hour},
                                                               {"weekday", Function::weekday},
                                                               {"date", Function::date},
                                                               {"cidr_match", Function::cidr_match}};

// A value's bytes behind what the key has so far, so that different sequences of them stay different.
template <typename T>
void add(std::string& key, const T& value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  key.append(bytes, sizeof(T));
}

std::optional<Relation> relation_of(ast::Op op) {
  switch (op) {
    case ast::Op::equal:
      return Relation::equal;
    case ast::Op::not_equal:
      return Relation::not_equal;
    case ast::Op::less:
      return Relation::less;
    case ast::Op::less_equal:
      return Relation::less_equal;
    case ast::Op::greater:
      return Relation::greater;
    case ast::Op::greater_equal:
      return Relation::greater_equal;
    case ast::Op::contains:
      return Relation::contains;
    case ast::Op::starts_with:
      return Relation::starts_with;
    case ast::Op::ends_with:
      return Relation::ends_with;
    case ast::Op::like:
      return Relation::like;
    default:
      return {};
  }
}

bool is_text_relation(Relation relation) { return relation >= Relation::contains; }

// 5 < x is x > 5.
Relation mirrored(Relation relation) {
  switch (relation) {
    case Relation::less:
      return Relation::greater;
    case Relation::less_equal:
      return Relation::greater_equal;
    case Relation::greater:
      return Relation::less;
    case Relation::greater_equal:
      return Relation::less_equal;
    default:
      return relation;
  }
}

// not (x < 5) is x >= 5, also when it is unknown.
std::optional<Relation> negated(Relation relation) {
  switch (relation) {
    case Relation::equal:
      return Relation::not_equal;
    case Relation::not_equal:
      return Relation::equal;
    default:
      return {};
  }
}

bool is_candidate_field(const TypedExpr& expr) { return expr.kind == ExprKind::field; }

bool is_constant_list(const TypedExpr& expr) {
  return expr.kind == ExprKind::list &&
         std::all_of(expr.children.begin(), expr.children.end(),
                     [](const TypedExpr& element) { return element.kind == ExprKind::constant; });
}

bool is_every_event(const TypedExpr& expr) {
  const bool is_named = expr.kind == ExprKind::bound || expr.kind == ExprKind::bound_event ||
                        (expr.kind == ExprKind::attribute && expr.name >= 0);
  return is_named && expr.selector == TypedExpr::Selector::all;
}

Read::Select select_of(TypedExpr::Selector selector) {
  switch (selector) {
    case TypedExpr::Selector::only:
      return Read::Select::only;
    case TypedExpr::Selector::first:
      return Read::Select::first;
    case TypedExpr::Selector::last:
      return Read::Select::last;
    case TypedExpr::Selector::index:
      return Read::Select::index;
    case TypedExpr::Selector::all:
      return Read::Select::all;
  }
  return Read::Select::only;
}

Read::Select select_of(TypedExpr::Aggregate aggregate) {
  switch (aggregate) {
    case TypedExpr::Aggregate::count:
      return Read::Select::count;
    case TypedExpr::Aggregate::sum:
      return Read::Select::sum;
    case TypedExpr::Aggregate::avg:
      return Read::Select::avg;
    case TypedExpr::Aggregate::min:
      return Read::Select::min;
    case TypedExpr::Aggregate::max:
      return Read::Select::max;
    case TypedExpr::Aggregate::distinct:
      return Read::Select::distinct;
  }
  return Read::Select::count;
}

}  // namespace

uint32_t CodeEmitter::place(char table, const std::string& key, size_t size) {
  return known_.try_emplace(table + key, static_cast<uint32_t>(size)).first->second;
}

uint32_t CodeEmitter::constant(const TypedExpr& expr) {
  Constant constant;
  constant.kind = expr.value.kind;
  if (expr.value.has_bytes()) {
    constant.text = expr.text;
  } else if (constant.kind == Kind::number) {
    constant.number = expr.value.number;
  } else if (constant.kind == Kind::boolean) {
    constant.integer = expr.value.boolean ? 1 : 0;
  } else {
    constant.integer = expr.value.integer;
  }
  std::string key;
  add(key, constant.kind);
  add(key, constant.integer);
  add(key, constant.number);
  const uint32_t index = place(constants_table, key + constant.text, section_.constants.size());
  if (index == section_.constants.size()) section_.constants.push_back(std::move(constant));
  return index;
}

uint32_t CodeEmitter::list(const TypedExpr& expr, bool fold) {
  ConstantList list;
  list.fold = fold;
  for (const TypedExpr& element : expr.children) list.constants.push_back(constant(element));
  std::string key;
  add(key, fold);
  for (const uint32_t element : list.constants) add(key, element);
  const uint32_t index = place(lists_table, key, section_.lists.size());
  if (index == section_.lists.size()) section_.lists.push_back(std::move(list));
  return index;
}

uint32_t CodeEmitter::read(const TypedExpr& expr, Read::Select select) {
  const TypedName& name = rule_->names[static_cast<size_t>(expr.name)];
  Read read;
  read.slots = name.slots;
  read.select = select;
  read.index = expr.index;
  read.repetition = expr.repetition;
  read.name = name.text;
  if (expr.kind == ExprKind::bound) {
    read.what = Read::What::field;
    read.field = expr.field;
  } else if (expr.kind == ExprKind::attribute) {
    read.what = Read::What::attribute;
    read.attribute = static_cast<Attribute>(expr.attribute);
  }
  std::string key;
  add(key, read.slots);
  add(key, read.what);
  add(key, read.select);
  add(key, read.attribute);
  add(key, read.field);
  add(key, read.index);
  add(key, read.repetition);
  const uint32_t index = place(reads_table, key + read.name, section_.reads.size());
  if (index == section_.reads.size()) section_.reads.push_back(std::move(read));
  return index;
}

uint32_t CodeEmitter::lookup(const TypedExpr& expr) {
  Lookup lookup;
  lookup.table = static_cast<uint32_t>(expr.index);
  TableProgram& table = program_.tables[lookup.table];
  if (expr.text.empty()) {
    table.reads_rows = true;
  } else {
    const auto column = std::find(table.columns.begin(), table.columns.end(), expr.text);
    lookup.column = static_cast<uint32_t>(column - table.columns.begin());
    if (column == table.columns.end()) table.columns.push_back(expr.text);
  }
  std::string key;
  add(key, lookup.table);
  add(key, lookup.column);
  const uint32_t index = place(lookups_table, key, section_.lookups.size());
  if (index == section_.lookups.size()) section_.lookups.push_back(lookup);
  return index;
}

uint32_t CodeEmitter::history(int64_t back_us) {
  const auto known = std::find(section_.histories_us.begin(), section_.histories_us.end(), back_us);
  const auto index = static_cast<uint32_t>(known - section_.histories_us.begin());
  if (known == section_.histories_us.end()) section_.histories_us.push_back(back_us);
  if (std::find(histories_.begin(), histories_.end(), index) == histories_.end()) histories_.push_back(index);
  return index;
}

uint32_t CodeEmitter::test(const Test& test) {
  std::string key;
  add(key, test.kind);
  add(key, test.relation);
  add(key, test.fold);
  add(key, test.field);
  add(key, test.operand);
  const uint32_t index = place(tests_table, key, section_.tests.size());
  if (index == section_.tests.size()) section_.tests.push_back(test);
  return index;
}

uint32_t CodeEmitter::zone(const std::string& name) {
  const uint32_t index = place(zones_table, name, section_.zones.size());
  if (index == section_.zones.size()) section_.zones.push_back(name);
  return index;
}

// Regular expressions of one `matches` stand side by side, so they are not shared.
uint32_t CodeEmitter::regex(const TypedExpr& expr, bool fold) {
  section_.regexes.push_back({expr.text, fold});
  return static_cast<uint32_t>(section_.regexes.size() - 1);
}

void CodeEmitter::put(Opcode op, uint16_t small, uint32_t index, uint32_t taken, bool fold) {
  code_.instructions.push_back({op, fold, small, index});
  depth_ = depth_ - taken + 1;
  code_.depth = std::max(code_.depth, depth_);
}

CodeId CodeEmitter::code(const TypedExpr& expr, const TypedRule& rule) {
  rule_ = &rule;
  code_ = {};
  depth_ = 0;
  emit(expr);
  std::string key;
  for (const Instruction& instruction : code_.instructions) add(key, instruction);
  const CodeId id = place(codes_table, key, section_.codes.size());
  if (id == section_.codes.size()) section_.codes.push_back(std::move(code_));
  return id;
}

PredicateId CodeEmitter::predicate(const TypedExpr& condition, bool is_shared, const TypedRule& rule) {
  rule_ = &rule;
  Predicate predicate;
  std::string key;
  if (!as_tests(condition, predicate.tests)) {
    predicate.kind = Predicate::Kind::code;
    predicate.tests.clear();
    predicate.code = code(condition, rule);
  }
  add(key, predicate.code);
  for (const uint32_t test : predicate.tests) add(key, test);
  const size_t size = section_.predicates.size();
  const bool is_known_once = is_shared && options_.share_predicates;
  const PredicateId id = is_known_once ? place(predicates_table, key, size) : static_cast<PredicateId>(size);
  if (id == size) section_.predicates.push_back(std::move(predicate));
  return id;
}

bool CodeEmitter::as_tests(const TypedExpr& expr, std::vector<uint32_t>& tests) {
  if (expr.kind == ExprKind::binary && expr.op == ast::Op::logical_and) {
    return as_tests(expr.children[0], tests) && as_tests(expr.children[1], tests);
  }
  const auto simple = as_test(expr);
  if (simple) tests.push_back(test(*simple));
  return simple.has_value();
}

std::optional<Test> CodeEmitter::as_test(const TypedExpr& expr) {
  if (!options_.simple_predicates) return {};
  Test test;
  if (is_candidate_field(expr)) {
    test.kind = Test::Kind::is_true;
    test.field = expr.field;
    return test;
  }
  if (expr.kind == ExprKind::call && expr.children.size() == 1 && is_candidate_field(expr.children[0]) &&
      (expr.text == "exists" || expr.text == "missing")) {
    test.kind = expr.text == "exists" ? Test::Kind::exists : Test::Kind::missing;
    test.field = expr.children[0].field;
    return test;
  }
  if (expr.kind == ExprKind::unary && expr.op == ast::Op::logical_not) {
    auto inner = as_test(expr.children[0]);
    if (!inner) return {};
    switch (inner->kind) {
      case Test::Kind::exists:
        inner->kind = Test::Kind::missing;
        return inner;
      case Test::Kind::missing:
        inner->kind = Test::Kind::exists;
        return inner;
      case Test::Kind::is_true:
        inner->kind = Test::Kind::is_false;
        return inner;
      case Test::Kind::any_of_list:
        inner->kind = Test::Kind::none_of_list;
        return inner;
      case Test::Kind::none_of_list:
        inner->kind = Test::Kind::any_of_list;
        return inner;
      case Test::Kind::is_false:
        return {};
      case Test::Kind::relate:
        break;
    }
    const auto opposite = negated(inner->relation);
    if (!opposite) return {};
    inner->relation = *opposite;
    return inner;
  }
  if (expr.kind != ExprKind::binary) return {};
  const TypedExpr &left = expr.children[0], &right = expr.children[1];
  test.fold = expr.fold;
  if (expr.op == ast::Op::in || expr.op == ast::Op::not_in) {
    if (!is_candidate_field(left) || !is_constant_list(right)) return {};
    test.kind = expr.op == ast::Op::in ? Test::Kind::any_of_list : Test::Kind::none_of_list;
    test.field = left.field;
    test.operand = list(right, expr.fold);
    return test;
  }
  const auto relation = relation_of(expr.op);
  if (!relation) return {};
  test.kind = Test::Kind::relate;
  test.relation = *relation;
  if (is_candidate_field(left) && right.kind == ExprKind::constant) {
    test.field = left.field;
    test.operand = constant(right);
    return test;
  }
  if (is_candidate_field(right) && left.kind == ExprKind::constant && !is_text_relation(*relation)) {
    test.relation = mirrored(*relation);
    test.field = right.field;
    test.operand = constant(left);
    return test;
  }
  if (is_candidate_field(left) && is_text_relation(*relation) && is_constant_list(right)) {
    test.kind = Test::Kind::any_of_list;
    test.field = left.field;
    test.operand = list(right, expr.fold);
    return test;
  }
  return {};
}

void CodeEmitter::emit(const TypedExpr& expr) {
  if (const auto simple = expr.kind == ExprKind::field ? std::nullopt : as_test(expr)) {
    put(Opcode::test, 0, test(*simple), 0);
    return;
  }
  switch (expr.kind) {
    case ExprKind::constant:
      put(Opcode::constant, 0, constant(expr), 0);
      return;
    case ExprKind::field:
      put(Opcode::field, 0, expr.field, 0);
      return;
    case ExprKind::key:
      put(Opcode::key, 0, static_cast<uint32_t>(expr.index), 0);
      return;
    case ExprKind::measure:
      put(Opcode::measure, 0, static_cast<uint32_t>(expr.index), 0);
      return;
    case ExprKind::match_value:
      put(Opcode::match_value, static_cast<uint16_t>(expr.match_value), 0, 0);
      return;
    case ExprKind::attribute:
      if (expr.name < 0) {
        put(Opcode::attribute, static_cast<uint16_t>(expr.attribute), 0, 0);
        return;
      }
      [[fallthrough]];
    case ExprKind::bound:
    case ExprKind::bound_event:
      if (expr.name < 0) {
        put(Opcode::whole, 0, 0, 0);
      } else {
        put(Opcode::read, 0, read(expr, select_of(expr.selector)), 0);
      }
      return;
    case ExprKind::aggregate:
      put(Opcode::read, 0, read(expr.children[0], select_of(expr.aggregate)), 0);
      return;
    case ExprKind::unary:
      emit(expr.children[0]);
      put(expr.op == ast::Op::negate ? Opcode::negate : Opcode::logical_not, 0, 0, 1);
      return;
    case ExprKind::binary:
      emit_binary(expr);
      return;
    case ExprKind::lookup:
      emit(expr.children[0]);
      put(Opcode::lookup, 0, lookup(expr), 1);
      return;
    case ExprKind::history:
      put(Opcode::history, 0, history(expr.value.integer), 0);
      return;
    case ExprKind::call:
      emit_call(expr);
      return;
    case ExprKind::list: {
      for (const TypedExpr& element : expr.children) emit(element);
      const auto count = static_cast<uint32_t>(expr.children.size());
      put(Opcode::list, 0, count, count);
      return;
    }
    case ExprKind::object: {
      for (const TypedExpr& member : expr.children) emit(member);
      section_.objects.push_back(expr.members);
      put(Opcode::object, 0, static_cast<uint32_t>(section_.objects.size() - 1),
          static_cast<uint32_t>(expr.children.size()));
      return;
    }
    case ExprKind::regex:
      break;  // only on the right of `matches`
  }
  OMEN_ASSERT(false);
}

void CodeEmitter::emit_binary(const TypedExpr& expr) {
  switch (expr.op) {
    case ast::Op::logical_and:
    case ast::Op::logical_or:
      emit_logical(expr);
      return;
    case ast::Op::in:
      emit_membership(expr, Relation::equal);
      return;
    case ast::Op::not_in:
      emit_membership(expr, Relation::equal);
      put(Opcode::logical_not, 0, 0, 1);
      return;
    case ast::Op::matches:
      emit_matches(expr);
      return;
    default:
      break;
  }
  const auto relation = relation_of(expr.op);
  if (relation && is_text_relation(*relation)) {
    emit_membership(expr, *relation);
    return;
  }
  emit(expr.children[0]);
  emit(expr.children[1]);
  if (relation) {
    put(Opcode::relate, static_cast<uint16_t>(*relation), 0, 2, expr.fold);
    return;
  }
  const Opcode op = expr.op == ast::Op::add        ? Opcode::add
                    : expr.op == ast::Op::subtract ? Opcode::subtract
                    : expr.op == ast::Op::multiply ? Opcode::multiply
                    : expr.op == ast::Op::divide   ? Opcode::divide
                                                   : Opcode::modulo;
  put(op, 0, 0, 2);
}

// The right side is skipped when the left one decides.
void CodeEmitter::emit_logical(const TypedExpr& expr) {
  const bool is_and = expr.op == ast::Op::logical_and;
  emit(expr.children[0]);
  const size_t jump = code_.instructions.size();
  code_.instructions.push_back({is_and ? Opcode::jump_if_false : Opcode::jump_if_true, false, 0, 0});
  emit(expr.children[1]);
  put(is_and ? Opcode::logical_and : Opcode::logical_or, 0, 0, 2);
  code_.instructions[jump].index = static_cast<uint32_t>(code_.instructions.size());
}

// The left side against each element of the right one: `in` and the text relations.
void CodeEmitter::emit_membership(const TypedExpr& expr, Relation relation) {
  const TypedExpr &left = expr.children[0], &right = expr.children[1];
  const auto small = static_cast<uint16_t>(relation);
  if (is_constant_list(right)) {
    emit(left);
    put(Opcode::any_of_list, small, list(right, expr.fold), 1, expr.fold);
    return;
  }
  if (is_every_event(right)) {
    emit(left);
    put(Opcode::any_of_read, small, read(right, Read::Select::all), 1, expr.fold);
    return;
  }
  if (right.kind == ExprKind::list) {  // [a, b]: one comparison an element
    bool is_first = true;
    for (const TypedExpr& element : right.children) {
      emit(left);
      emit(element);
      put(Opcode::relate, small, 0, 2, expr.fold);
      if (!is_first) put(Opcode::logical_or, 0, 0, 2);
      is_first = false;
    }
    return;
  }
  emit(left);
  emit(right);
  put(relation == Relation::equal ? Opcode::in : Opcode::relate, small, 0, 2, expr.fold);
}

void CodeEmitter::emit_matches(const TypedExpr& expr) {
  const TypedExpr& right = expr.children[1];
  if (right.kind == ExprKind::list && right.children.empty()) {
    emit_membership(expr, Relation::equal);
    return;
  }
  const auto first = static_cast<uint32_t>(section_.regexes.size());
  if (right.kind == ExprKind::list) {
    for (const TypedExpr& element : right.children) regex(element, expr.fold);
  } else {
    regex(right, expr.fold);
  }
  const size_t count = section_.regexes.size() - first;
  emit(expr.children[0]);
  put(Opcode::matches, static_cast<uint16_t>(count), first, 1, expr.fold);
}

void CodeEmitter::emit_call(const TypedExpr& expr) {
  const auto* found = std::find_if(std::begin(functions), std::end(functions),
                                   [&](const auto& function) { return function.first == expr.text; });
  OMEN_ASSERT(found != std::end(functions));
  const Function function = found->second;
  const auto small = static_cast<uint16_t>(function);
  // Whether any event is bound is asked of their count, not of a list of them.
  const bool asks = function == Function::exists || function == Function::missing;
  if (asks && expr.children[0].kind == ExprKind::bound_event && is_every_event(expr.children[0])) {
    TypedExpr none;
    none.value = Value::of_integer(0);
    put(Opcode::read, 0, read(expr.children[0], Read::Select::count), 0);
    put(Opcode::constant, 0, constant(none), 0);
    const Relation relation = function == Function::exists ? Relation::greater : Relation::equal;
    put(Opcode::relate, static_cast<uint16_t>(relation), 0, 2);
    return;
  }
  const bool is_calendar = function == Function::hour || function == Function::weekday || function == Function::date;
  if (is_calendar && expr.children.size() == 2) {
    emit(expr.children[0]);
    put(Opcode::call_zone, small, zone(expr.children[1].text), 1);
    return;
  }
  for (const TypedExpr& argument : expr.children) emit(argument);
  const auto count = static_cast<uint32_t>(expr.children.size());
  put(Opcode::call, small, count, count);
}

}  // namespace omen
