// What an expression is made of, checked (verify_code), and written as an author would write it (dump_code).

#include "runtime/model/code.h"

#include <algorithm>
#include <string_view>

#include "runtime/model/program.h"

namespace omen {
namespace {

constexpr std::string_view relation_texts[] = {"==", "!=",       "<",           "<=",        ">",
                                               ">=", "contains", "starts_with", "ends_with", "like"};
constexpr std::string_view function_texts[] = {
    "exists", "missing", "coalesce", "lower", "upper", "len",  "substring", "index_of", "concat",    "string",
    "number", "abs",     "round",    "floor", "ceil",  "hour", "weekday",   "date",     "cidr_match"};
constexpr std::string_view attribute_texts[] = {"type", "ts", "id"};
constexpr std::string_view match_value_texts[] = {"start", "end", "duration"};
constexpr std::string_view select_texts[] = {"",    "first", "last", "",    "",        "count",
                                             "sum", "avg",   "min",  "max", "distinct"};
constexpr size_t function_count = std::size(function_texts);

// How many values an instruction takes from the stack; it puts one on it. A jump leaves the stack as it is.
uint32_t operands(const Instruction& instruction, const CodeSection& section) {
  switch (instruction.op) {
    case Opcode::constant:
    case Opcode::field:
    case Opcode::attribute:
    case Opcode::whole:
    case Opcode::key:
    case Opcode::match_value:
    case Opcode::read:
    case Opcode::history:
    case Opcode::measure:
    case Opcode::test:
      return 0;
    case Opcode::lookup:
    case Opcode::any_of_list:
    case Opcode::any_of_read:
    case Opcode::matches:
    case Opcode::logical_not:
    case Opcode::negate:
    case Opcode::call_zone:
      return 1;
    case Opcode::call:
    case Opcode::list:
      return instruction.index;
    case Opcode::object:
      return static_cast<uint32_t>(section.objects[instruction.index].size());
    default:
      return 2;
  }
}

bool is_jump(Opcode op) { return op == Opcode::jump_if_false || op == Opcode::jump_if_true; }

// Whether the tables that the instruction points into have such an entry.
bool is_in_range(const Instruction& instruction, const CodeSection& section, size_t fields) {
  const uint32_t index = instruction.index;
  const uint16_t small = instruction.small;
  switch (instruction.op) {
    case Opcode::constant:
      return index < section.constants.size();
    case Opcode::field:
      return index < fields;
    case Opcode::attribute:
      return small < std::size(attribute_texts);
    case Opcode::match_value:
      return small < std::size(match_value_texts);
    case Opcode::read:
      return index < section.reads.size();
    case Opcode::lookup:
      return index < section.lookups.size();
    case Opcode::history:
      return index < section.histories_us.size();
    case Opcode::measure:
      return true;  // one that the rule does not have is missing
    case Opcode::test:
      return index < section.tests.size();
    case Opcode::relate:
      return small < std::size(relation_texts);
    case Opcode::any_of_list:
      return small < std::size(relation_texts) && index < section.lists.size();
    case Opcode::any_of_read:
      return small < std::size(relation_texts) && index < section.reads.size();
    case Opcode::matches:
      return small > 0 && index + uint64_t{small} <= section.regexes.size();
    case Opcode::call:
      return small < function_count && index > 0;
    case Opcode::call_zone:
      return small < function_count && index < section.zones.size();
    case Opcode::object:
      return index < section.objects.size();
    default:
      return true;
  }
}

Status verify_expression(const Code& code, const CodeSection& section, size_t fields) {
  uint32_t depth = 0, deepest = 0;
  std::vector<std::pair<uint32_t, uint32_t>> jumps;  // target, depth there
  const auto& instructions = code.instructions;
  for (uint32_t i = 0; i < instructions.size(); ++i) {
    const Instruction& instruction = instructions[i];
    for (const auto& [target, expected] : jumps) {
      if (target == i && expected != depth) return Status::error("a jump of the code meets another depth of the stack");
    }
    if (!is_in_range(instruction, section, fields)) return Status::error("the code points outside its tables");
    if (is_jump(instruction.op)) {
      if (depth == 0 || instruction.index <= i || instruction.index > instructions.size()) {
        return Status::error("a jump of the code leads nowhere");
      }
      jumps.emplace_back(instruction.index, depth);
      continue;
    }
    const uint32_t taken = operands(instruction, section);
    if (taken > depth) return Status::error("the code takes more from the stack than there is");
    depth = depth - taken + 1;
    deepest = std::max(deepest, depth);
  }
  if (depth != 1 || deepest > code.depth) return Status::error("the code leaves the stack wrong");
  return Status::ok();
}

}  // namespace

Value Constant::value() const {
  switch (kind) {
    case Kind::missing:
      return {};
    case Kind::boolean:
      return Value::of_bool(integer != 0);
    case Kind::integer:
      return Value::of_integer(integer);
    case Kind::number:
      return Value::of_number(number);
    case Kind::time:
      return Value::of_time(integer);
    case Kind::duration:
      return Value::of_duration(integer);
    case Kind::text:
      return Value::of_text(text);
    case Kind::list:
      return Value::of_list(text);
    case Kind::object:
      return Value::of_object(text);
  }
  return {};
}

Status verify_code(const Program& program) {
  const CodeSection& section = program.code;
  for (const ConstantList& list : section.lists) {
    for (const uint32_t constant : list.constants) {
      if (constant >= section.constants.size()) return Status::error("a list of the code has no such constant");
    }
  }
  for (const Read& read : section.reads) {
    if (read.what == Read::What::field && read.field >= program.fields.size()) {
      return Status::error("a read of the code has no such field");
    }
    if (read.repetition > 15) return Status::error("a read of the code has no such loop");
  }
  for (const Lookup& lookup : section.lookups) {
    if (lookup.table >= program.tables.size()) return Status::error("a look-up of the code has no such table");
    const bool has_column =
        lookup.column == Lookup::whole || lookup.column < program.tables[lookup.table].columns.size();
    if (!has_column) return Status::error("a look-up of the code has no such column");
  }
  for (const Test& test : section.tests) {
    const size_t operands_count = test.kind == Test::Kind::relate ? section.constants.size() : section.lists.size();
    const bool has_operand = test.kind >= Test::Kind::relate;
    if (test.field >= program.fields.size() || (has_operand && test.operand >= operands_count)) {
      return Status::error("a test of the code points outside its tables");
    }
  }
  for (const Code& code : section.codes) {
    if (Status status = verify_expression(code, section, program.fields.size()); !status) return status;
  }
  for (const Predicate& predicate : section.predicates) {
    if (predicate.kind == Predicate::Kind::code) {
      if (predicate.code >= section.codes.size()) return Status::error("a predicate has no such code");
      continue;
    }
    if (predicate.tests.empty()) return Status::error("a predicate asks nothing");
    for (const uint32_t test : predicate.tests) {
      if (test >= section.tests.size()) return Status::error("a predicate has no such test");
    }
  }
  for (const auto& pieces : section.templates) {
    for (const TemplatePiece& piece : pieces) {
      if (piece.code != code_none && piece.code >= section.codes.size()) {
        return Status::error("a template has no such code");
      }
    }
  }
  return Status::ok();
}

namespace {

// How strongly a piece of text binds, as in section 5 of docs/language.md; the weaker gets parentheses.
enum Strength { by_or, by_and, by_not, by_relation, by_sum, by_product, by_sign, by_itself };

struct Piece {
  std::string text;
  Strength strength = by_itself;
};

std::string inside(const Piece& piece, Strength least) {
  return piece.strength < least ? "(" + piece.text + ")" : piece.text;
}

std::string escaped(std::string_view text, bool is_template) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    if (c == '{' && is_template) out += '{';
    out += c;
  }
  return out;
}

std::string quoted(std::string_view text) { return '"' + escaped(text, false) + '"'; }

}  // namespace

std::string constant_text(const Constant& constant) {
  const Value value = constant.value();
  if (value.kind == Kind::text) return quoted(value.bytes());
  if (value.is_missing()) return "null";
  std::string out;
  append_text(out, value);
  return out;
}

namespace {

// Follows the instructions with texts in the place of values.
class Decompiler {
 public:
  explicit Decompiler(const Program& program) : program_(program), section_(program.code) {}

  std::string code(CodeId id) {
    for (const Instruction& instruction : section_.codes[id].instructions) {
      if (!is_jump(instruction.op)) step(instruction);
    }
    return pop().text;
  }

  Piece test(const Test& test) const {
    const std::string& field = program_.fields[test.field].text;
    switch (test.kind) {
      case Test::Kind::exists:
        return {"exists(" + field + ")"};
      case Test::Kind::missing:
        return {"missing(" + field + ")"};
      case Test::Kind::is_true:
        return {field};
      case Test::Kind::is_false:
        return {"not " + field, by_not};
      case Test::Kind::relate:
        return {field + relation(test.relation, test.fold) + constant(test.operand), by_relation};
      case Test::Kind::any_of_list:
        return {field + any(test.relation, test.fold) + list(test.operand), by_relation};
      case Test::Kind::none_of_list:
        if (test.relation == Relation::equal) {
          return {field + " not in" + (test.fold ? "~ " : " ") + list(test.operand), by_relation};
        }
        return {"not " + field + any(test.relation, test.fold) + list(test.operand), by_not};
    }
    return {};
  }

 private:
  static std::string relation(Relation relation, bool fold) {
    return " " + std::string(relation_texts[static_cast<size_t>(relation)]) + (fold ? "~ " : " ");
  }
  static std::string any(Relation which, bool fold) {
    return which == Relation::equal ? (fold ? " in~ " : " in ") : relation(which, fold);
  }

  std::string constant(uint32_t index) const { return constant_text(section_.constants[index]); }

  std::string list(uint32_t index) const {
    std::string out = "[";
    for (const uint32_t element : section_.lists[index].constants) {
      if (out.size() > 1) out += ", ";
      out += constant(element);
    }
    return out + "]";
  }

  static std::string duration(int64_t us) {
    std::string out;
    append_text(out, Value::of_duration(us));
    return out;
  }

  std::string read(uint32_t index) const {
    const Read& read = section_.reads[index];
    const std::string_view wrapper = select_texts[static_cast<size_t>(read.select)];
    const bool is_place = read.select == Read::Select::first || read.select == Read::Select::last;
    std::string what = read.what == Read::What::field       ? "." + program_.fields[read.field].text
                       : read.what == Read::What::attribute ? "." + std::string(attribute_texts[size_t(read.attribute)])
                                                            : "";
    if (read.select == Read::Select::index) return read.name + "[" + std::to_string(read.index) + "]" + what;
    if (wrapper.empty()) return read.name + what;
    return std::string(wrapper) + "(" + read.name + (is_place ? ")" + what : what + ")");
  }

  std::string regexes(const Instruction& instruction) const {
    std::string out;
    for (uint32_t i = 0; i < instruction.small; ++i) {
      out += (i == 0 ? "/" : ", /") + section_.regexes[instruction.index + i].text + "/";
    }
    return instruction.small == 1 ? out : "[" + out + "]";
  }

  Piece pop() {
    Piece top = std::move(stack_.back());
    stack_.pop_back();
    return top;
  }

  void binary(std::string_view sign, Strength strength) {
    const Piece right = pop(), left = pop();
    const bool chains = strength == by_or || strength == by_and;  // these need no parentheses among themselves
    const bool left_joins = chains || strength == by_sum || strength == by_product;
    stack_.push_back({inside(left, left_joins ? strength : Strength(strength + 1)) + std::string(sign) +
                          inside(right, chains ? strength : Strength(strength + 1)),
                      strength});
  }

  std::string arguments(uint32_t count) {
    std::string out;
    for (uint32_t i = 0; i < count; ++i) out = pop().text + (i == 0 ? "" : ", ") + out;
    return out;
  }

  void step(const Instruction& instruction) {
    const uint32_t index = instruction.index;
    const std::string tilde = instruction.fold ? "~ " : " ";
    switch (instruction.op) {
      case Opcode::constant:
        stack_.push_back({constant(index)});
        return;
      case Opcode::field:
        stack_.push_back({program_.fields[index].text});
        return;
      case Opcode::attribute:
        stack_.push_back({std::string(attribute_texts[instruction.small])});
        return;
      case Opcode::whole:
        stack_.push_back({"this"});
        return;
      case Opcode::key:
        stack_.push_back({"key[" + std::to_string(index) + "]"});
        return;
      case Opcode::match_value:
        stack_.push_back({std::string(match_value_texts[instruction.small])});
        return;
      case Opcode::read:
        stack_.push_back({read(index)});
        return;
      case Opcode::history:
        stack_.push_back({"history(" + duration(section_.histories_us[index]) + ")"});
        return;
      case Opcode::lookup: {
        const Lookup& lookup = section_.lookups[index];
        const TableProgram& table = program_.tables[lookup.table];
        const std::string row = table.name + "[" + pop().text + "]";
        stack_.push_back({lookup.column == Lookup::whole ? row : row + "." + table.columns[lookup.column]});
        return;
      }
      case Opcode::measure:
        stack_.push_back({"measure[" + std::to_string(index) + "]"});
        return;
      case Opcode::test:
        stack_.push_back(test(section_.tests[index]));
        return;
      case Opcode::relate:
        binary(relation(Relation(instruction.small), instruction.fold), by_relation);
        return;
      case Opcode::in:
        binary(" in" + tilde, by_relation);
        return;
      case Opcode::any_of_list:
        relate_top(any(Relation(instruction.small), instruction.fold) + list(index));
        return;
      case Opcode::any_of_read:
        relate_top(any(Relation(instruction.small), instruction.fold) + read(index));
        return;
      case Opcode::matches:
        relate_top(" matches" + tilde + regexes(instruction));
        return;
      case Opcode::jump_if_false:
      case Opcode::jump_if_true:
        return;
      case Opcode::logical_and:
        binary(" and ", by_and);
        return;
      case Opcode::logical_or:
        binary(" or ", by_or);
        return;
      case Opcode::logical_not:
        stack_.push_back({"not " + inside(pop(), by_not), by_not});
        return;
      case Opcode::negate:
        stack_.push_back({"-" + inside(pop(), by_sign), by_sign});
        return;
      case Opcode::add:
        binary(" + ", by_sum);
        return;
      case Opcode::subtract:
        binary(" - ", by_sum);
        return;
      case Opcode::multiply:
        binary(" * ", by_product);
        return;
      case Opcode::divide:
        binary(" / ", by_product);
        return;
      case Opcode::modulo:
        binary(" % ", by_product);
        return;
      case Opcode::call:
        stack_.push_back({std::string(function_texts[instruction.small]) + "(" + arguments(index) + ")"});
        return;
      case Opcode::call_zone:
        stack_.push_back({std::string(function_texts[instruction.small]) + "(" + pop().text + ", " +
                          quoted(section_.zones[index]) + ")"});
        return;
      case Opcode::list:
        stack_.push_back({"[" + arguments(index) + "]"});
        return;
      case Opcode::object: {
        const auto& members = section_.objects[index];
        std::string out;
        for (size_t i = members.size(); i-- > 0;) {
          out = quoted(members[i]) + ": " + pop().text + (out.empty() ? "" : ", ") + out;
        }
        stack_.push_back({"{" + out + "}"});
        return;
      }
    }
  }

  void relate_top(const std::string& rest) { stack_.push_back({inside(pop(), by_sum) + rest, by_relation}); }

  const Program& program_;
  const CodeSection& section_;
  std::vector<Piece> stack_;
};

std::string format_text(const NumberFormat& format) {
  std::string out = format.grouped ? "," : "";
  switch (format.style) {
    case NumberFormat::Style::plain:
      break;
    case NumberFormat::Style::fixed:
      out += "." + std::to_string(format.digits) + "f";
      break;
    case NumberFormat::Style::integer:
      out += "d";
      break;
    case NumberFormat::Style::percent:
      out += "." + std::to_string(format.digits) + "%";
      break;
  }
  return out.empty() ? out : ":" + out;
}

}  // namespace

std::string dump_code(const Program& program, CodeId code) { return Decompiler(program).code(code); }

std::string dump_predicate(const Program& program, PredicateId predicate) {
  const Predicate& asked = program.code.predicates[predicate];
  if (asked.kind == Predicate::Kind::code) return dump_code(program, asked.code);
  std::string out;
  for (const uint32_t test : asked.tests) {
    out += (out.empty() ? "" : " and ") + inside(Decompiler(program).test(program.code.tests[test]), by_not);
  }
  return out;
}

std::string dump_template(const Program& program, TemplateId text) {
  std::string out = "\"";
  for (const TemplatePiece& piece : program.code.templates[text]) {
    if (piece.code == code_none) {
      out += escaped(piece.text, true);
    } else {
      out += "{" + dump_code(program, piece.code) + format_text(piece.format) + "}";
    }
  }
  return out + '"';
}

}  // namespace omen
