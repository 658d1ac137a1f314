// Emit code: typed expressions -> instructions, tests, predicates and templates of one program.
//
// Everything in the code section's tables is there once: equal constants, lists, reads and tests have one index,
// so equal expressions have equal instructions, and equal predicates can be told by them.
//
// NOT HERE: which fields an event type needs (emit.cc), the meaning of an instruction (core/evaluate).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/compile.h"
#include "compiler/typed.h"
#include "runtime/model/code.h"

namespace omen {

class CodeEmitter {
 public:
  CodeEmitter(const OptimizeOptions& options, Program& program)
      : options_(options), program_(program), section_(program.code) {}

  CodeId code(const TypedExpr& expr, const TypedRule& rule);
  PredicateId predicate(const TypedExpr& condition, bool is_shared, const TypedRule& rule);
  TemplateId text(const std::vector<TypedTemplatePiece>& pieces, const TypedRule& rule);
  // The histories that the code made since the last call reads: one rule's.
  std::vector<uint32_t> take_histories() { return std::exchange(histories_, {}); }
  uint32_t zone(const std::string& name);

 private:
  // Puts the instructions that leave the expression's value on the stack.
  void emit(const TypedExpr& expr);
  void emit_binary(const TypedExpr& expr);
  void emit_logical(const TypedExpr& expr);
  void emit_membership(const TypedExpr& expr, Relation relation);
  void emit_matches(const TypedExpr& expr);
  void emit_call(const TypedExpr& expr);
  void put(Opcode op, uint16_t small, uint32_t index, uint32_t taken, bool fold = false);

  // The condition as one test, when it is of a simple kind.
  std::optional<Test> as_test(const TypedExpr& expr);
  bool as_tests(const TypedExpr& expr, std::vector<uint32_t>& tests);

  uint32_t constant(const TypedExpr& expr);
  uint32_t list(const TypedExpr& expr, bool fold);
  uint32_t regex(const TypedExpr& expr, bool fold);
  uint32_t read(const TypedExpr& expr, Read::Select select);
  uint32_t lookup(const TypedExpr& expr);
  uint32_t history(int64_t back_us);
  uint32_t test(const Test& test);
  // The index of what `key` describes: the one it has, or `size` (and it is to be added there).
  uint32_t place(char table, const std::string& key, size_t size);

  const OptimizeOptions& options_;
  Program& program_;
  CodeSection& section_;
  const TypedRule* rule_ = nullptr;  // whose names the expression reads
  Code code_;                        // in the making
  uint32_t depth_ = 0;
  std::vector<uint32_t> histories_;  // that the rule in hand reads
  std::map<std::string, uint32_t> known_;
};

// `.2f`, `,`, `d`, `.1%`: nothing when it is no format.
std::optional<NumberFormat> parse_format(std::string_view text);

}  // namespace omen
