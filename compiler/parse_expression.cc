#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "compiler/parse_build.h"
#include "runtime/model/limits.h"
#include "runtime/model/status.h"

namespace omen {

namespace {

using ast::Expr;
using ast::Op;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

}  // namespace

Expr Builder::expression(P::ExpressionContext* context) { return disjunction(context).expr; }

// Hangs children below a node. One that would be too deep is replaced by nothing but itself, and reported.
void Builder::grow(Tree& tree, std::vector<Tree> children) {
  uint32_t deepest = 0;
  for (const Tree& child : children) deepest = std::max(deepest, child.depth);
  if (deepest + 1 > expression_depth_max) {
    error("E0122", tree.expr.span, fmt::format("the expression is nested deeper than {}", expression_depth_max),
          "name parts of it with `let`, or use a list: `x in [a, b, c]`");
    tree.depth = 1;
    tree.expr.kind = Expr::Kind::boolean;
    return;
  }
  tree.depth = deepest + 1;
  for (Tree& child : children) tree.expr.children.push_back(std::move(child.expr));
}

// A chain of `and` or `or` becomes a balanced tree: both are associative, and a long chain stays flat.
Builder::Tree Builder::join(Op op, std::vector<Tree> operands, const std::vector<Span>& operators) {
  std::vector<Tree> level = std::move(operands);
  std::vector<Span> between = operators;
  while (level.size() > 1) {
    std::vector<Tree> above;
    std::vector<Span> above_between;
    for (size_t i = 0; i < level.size(); i += 2) {
      if (i + 1 == level.size()) {
        above.push_back(std::move(level[i]));
        break;
      }
      Tree tree;
      tree.expr.kind = Expr::Kind::binary;
      tree.expr.op = op;
      tree.expr.span = cover(level[i].expr.span, level[i + 1].expr.span);
      tree.expr.op_span = between[i];
      if (i + 1 < between.size()) above_between.push_back(between[i + 1]);
      std::vector<Tree> children;
      children.push_back(std::move(level[i]));
      children.push_back(std::move(level[i + 1]));
      grow(tree, std::move(children));
      above.push_back(std::move(tree));
    }
    level = std::move(above);
    between = std::move(above_between);
  }
  return std::move(level.front());
}

Builder::Tree Builder::disjunction(P::ExpressionContext* context) {
  std::vector<Tree> operands;
  std::vector<Span> operators;
  for (auto* part : context->andExpression()) operands.push_back(conjunction(part));
  for (auto* word : context->orWord()) operators.push_back(span(word));
  return join(Op::logical_or, std::move(operands), operators);
}

Builder::Tree Builder::conjunction(P::AndExpressionContext* context) {
  std::vector<Tree> operands;
  std::vector<Span> operators;
  for (auto* part : context->notExpression()) operands.push_back(negated(part));
  for (auto* word : context->andWord()) operators.push_back(span(word));
  return join(Op::logical_and, std::move(operands), operators);
}

Builder::Tree Builder::negated(P::NotExpressionContext* context) {
  Tree tree = comparison(context->comparison());
  const auto words = context->notWord();
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    Tree outer;
    outer.expr.kind = Expr::Kind::unary;
    outer.expr.op = Op::logical_not;
    outer.expr.op_span = span(*word);
    outer.expr.span = cover(outer.expr.op_span, tree.expr.span);
    std::vector<Tree> children;
    children.push_back(std::move(tree));
    grow(outer, std::move(children));
    const bool too_deep = outer.expr.children.empty();
    tree = std::move(outer);
    if (too_deep) break;
  }
  return tree;
}

Builder::Tree Builder::comparison(P::ComparisonContext* context) {
  Tree left = sum(context->sum());
  const auto tails = context->comparisonTail();
  if (tails.size() > 1) {
    error("E0126", span(tails[1]), "comparisons cannot be chained", "write `a < b and b < c`");
  }
  if (!tails.empty()) compare(left, tails[0]);
  return left;
}

void Builder::compare(Tree& left, P::ComparisonTailContext* tail) {
  Tree tree;
  tree.expr.span = cover(left.expr.span, span(tail));
  std::vector<Tree> children;
  if (tail->IS() != nullptr) {
    const bool is_negated = tail->NOT() != nullptr;
    const std::string function = is_negated ? "exists" : "missing";
    const std::string operand(left.expr.span.file == text_.file && text_.offsets == nullptr
                                  ? text_.text.substr(left.expr.span.begin, left.expr.span.end - left.expr.span.begin)
                                  : std::string_view("x"));
    error("E0117", span(tail), "there is no `null`: what is absent or null is missing",
          fmt::format("write `{}({})`", function, operand));
    tree.expr.kind = Expr::Kind::call;
    tree.expr.text = function;
    tree.expr.op_span = span(tail);
    children.push_back(std::move(left));
  } else {
    auto* op = tail->comparisonOperator();
    tree.expr.kind = Expr::Kind::binary;
    tree.expr.op_span = span(op);
    tree.expr.fold = tail->TILDE() != nullptr;
    if (tree.expr.fold) tree.expr.op_span.end = span(tail->TILDE()->getSymbol()).end;
    switch (op->start->getType()) {
      case P::ASSIGN:
        error("E0130", tree.expr.op_span, "`=` does not compare",
              tree.expr.fold ? "write `matches /…/`, or `==~` for equal without regard to case" : "write `==`");
        [[fallthrough]];
      case P::WRONG_EQUAL:
      case P::EQUAL:
        tree.expr.op = Op::equal;
        break;
      case P::WRONG_NOT_EQUAL:
      case P::NOT_EQUAL:
        tree.expr.op = Op::not_equal;
        break;
      case P::LESS:
        tree.expr.op = Op::less;
        break;
      case P::LESS_EQUAL:
        tree.expr.op = Op::less_equal;
        break;
      case P::GREATER:
        tree.expr.op = Op::greater;
        break;
      case P::GREATER_EQUAL:
        tree.expr.op = Op::greater_equal;
        break;
      case P::IN:
        tree.expr.op = Op::in;
        break;
      case P::NOT:
        tree.expr.op = Op::not_in;
        break;
      case P::CONTAINS:
        tree.expr.op = Op::contains;
        break;
      case P::STARTS_WITH:
        tree.expr.op = Op::starts_with;
        break;
      case P::ENDS_WITH:
        tree.expr.op = Op::ends_with;
        break;
      case P::MATCHES:
        tree.expr.op = Op::matches;
        break;
      default:
        tree.expr.op = Op::like;
        break;
    }
    children.push_back(std::move(left));
    children.push_back(sum(tail->sum()));
  }
  grow(tree, std::move(children));
  left = std::move(tree);
}

Builder::Tree Builder::binary(Op op, Span op_span, Tree left, Tree right) {
  Tree tree;
  tree.expr.kind = Expr::Kind::binary;
  tree.expr.op = op;
  tree.expr.op_span = op_span;
  tree.expr.span = cover(left.expr.span, right.expr.span);
  std::vector<Tree> children;
  children.push_back(std::move(left));
  children.push_back(std::move(right));
  grow(tree, std::move(children));
  return tree;
}

Builder::Tree Builder::sum(P::SumContext* context) {
  Tree left;
  Op op = Op::add;
  Span op_span;
  for (auto* child : context->children) {
    if (auto* node = dynamic_cast<antlr4::tree::TerminalNode*>(child)) {
      op = node->getSymbol()->getType() == P::PLUS ? Op::add : Op::subtract;
      op_span = span(node->getSymbol());
      continue;
    }
    Tree right = product(static_cast<P::ProductContext*>(child));
    if (child == context->children.front()) {
      left = std::move(right);
      continue;
    }
    left = binary(op, op_span, std::move(left), std::move(right));
    if (left.expr.children.empty()) break;  // too deep, reported
  }
  return left;
}

Builder::Tree Builder::product(P::ProductContext* context) {
  Tree left;
  Op op = Op::multiply;
  Span op_span;
  for (auto* child : context->children) {
    OMEN_ASSERT(child != nullptr);
    if (auto* node = dynamic_cast<antlr4::tree::TerminalNode*>(child)) {
      const size_t type = node->getSymbol()->getType();
      op = type == P::STAR ? Op::multiply : type == P::SLASH ? Op::divide : Op::modulo;
      op_span = span(node->getSymbol());
      continue;
    }
    Tree right = negation(static_cast<P::NegationContext*>(child));
    if (child == context->children.front()) {
      left = std::move(right);
      continue;
    }
    left = binary(op, op_span, std::move(left), std::move(right));
    if (left.expr.children.empty()) break;
  }
  return left;
}

Builder::Tree Builder::negation(P::NegationContext* context) {
  Tree tree = reference(context->reference());
  const auto signs = context->MINUS();
  for (auto sign = signs.rbegin(); sign != signs.rend(); ++sign) {
    const Span sign_span = span((*sign)->getSymbol());
    // A sign before a number literal is part of it, so that the smallest integer can be written.
    if (sign == signs.rbegin() && !tree.expr.parenthesised &&
        (tree.expr.kind == Expr::Kind::integer || tree.expr.kind == Expr::Kind::number)) {
      tree.expr.integer = -tree.expr.integer;
      tree.expr.number = -tree.expr.number;
      if (tree.expr.kind == Expr::Kind::number && spelling(context->reference()) == "9223372036854775808") {
        tree.expr.kind = Expr::Kind::integer;
        tree.expr.integer = INT64_MIN;
        tree.expr.number = 0;
      }
      tree.expr.span = cover(sign_span, tree.expr.span);
      continue;
    }
    Tree outer;
    outer.expr.kind = Expr::Kind::unary;
    outer.expr.op = Op::negate;
    outer.expr.op_span = sign_span;
    outer.expr.span = cover(sign_span, tree.expr.span);
    std::vector<Tree> children;
    children.push_back(std::move(tree));
    grow(outer, std::move(children));
    tree = std::move(outer);
    if (tree.expr.children.empty()) break;
  }
  return tree;
}

Builder::Tree Builder::reference(P::ReferenceContext* context) {
  Tree tree = primary(context->primary());
  for (auto* child : context->children) {
    Tree outer;
    std::vector<Tree> children;
    if (auto* member = dynamic_cast<P::NameContext*>(child)) {
      const ast::Name name = this->name(member);
      outer.expr.kind = Expr::Kind::member;
      outer.expr.text = name.text;
      outer.expr.op_span = name.span;
      outer.expr.span = cover(tree.expr.span, name.span);
      children.push_back(std::move(tree));
    } else if (auto* index = dynamic_cast<P::ExpressionContext*>(child)) {
      Tree inner = disjunction(index);
      outer.expr.kind = Expr::Kind::index;
      outer.expr.op_span = inner.expr.span;
      outer.expr.span = cover(tree.expr.span, inner.expr.span);
      outer.expr.span.end += 1;  // the bracket
      children.push_back(std::move(tree));
      children.push_back(std::move(inner));
    } else {
      continue;
    }
    grow(outer, std::move(children));
    tree = std::move(outer);
    if (tree.expr.children.empty()) break;
  }
  tree.expr.span = span(context);
  return tree;
}

Builder::Tree Builder::primary(P::PrimaryContext* context) {
  if (context->NUMBER() != nullptr || context->DURATION() != nullptr || context->BAD_NUMBER() != nullptr) {
    return number(context);
  }
  if (context->valueName() != nullptr) return named(context);
  if (context->object() != nullptr) return object(context->object());
  Tree tree;
  tree.expr.span = span(context);
  if (context->text() != nullptr) {
    tree.expr.kind = Expr::Kind::text;
    tree.expr.text = text(context->text()).bytes;
  } else if (context->regex() != nullptr) {
    tree.expr.kind = Expr::Kind::regex;
    tree.expr.text = regex(context->regex());
  } else if (context->TRUE() != nullptr || context->FALSE() != nullptr) {
    tree.expr.kind = Expr::Kind::boolean;
    tree.expr.integer = context->TRUE() != nullptr ? 1 : 0;
  } else if (context->OPEN_ROUND() != nullptr) {
    tree = disjunction(context->expression(0));
    tree.expr.parenthesised = true;
    tree.expr.span = span(context);
  } else {
    tree.expr.kind = Expr::Kind::list;
    std::vector<Tree> children;
    for (auto* item : context->expression()) children.push_back(disjunction(item));
    grow(tree, std::move(children));
  }
  return tree;
}

Builder::Tree Builder::named(P::PrimaryContext* context) {
  Tree tree;
  const ast::Name name = this->name(context->valueName());
  tree.expr.span = span(context);
  tree.expr.op_span = name.span;
  tree.expr.text = name.text;
  if (context->callArguments() != nullptr) {
    tree.expr.kind = Expr::Kind::call;
    std::vector<Tree> children;
    for (auto* argument : context->callArguments()->expression()) children.push_back(disjunction(argument));
    grow(tree, std::move(children));
    return tree;
  }
  tree.expr.kind = Expr::Kind::name;
  const bool is_quoted = context->valueName()->QUOTED_NAME() != nullptr;
  const std::string lowered = lower(name.text);
  if (is_quoted) return tree;
  if (lowered == "null" || name.text == "None" || name.text == "nil" || name.text == "undefined") {
    error("E0117", name.span, fmt::format("there is no `{}`: what is absent or null is missing", name.text),
          "write `missing(x)` or `exists(x)`; a field of that name stands in backticks");
  } else if (lowered != name.text && (lowered == "true" || lowered == "false")) {
    error("E0110", name.span, fmt::format("keywords are written in small letters: `{}`", lowered),
          fmt::format("write `{}`; a field of that name stands in backticks", lowered));
    tree.expr.kind = Expr::Kind::boolean;
    tree.expr.integer = lowered == "true" ? 1 : 0;
  }
  return tree;
}

Builder::Tree Builder::number(P::PrimaryContext* context) {
  Tree tree;
  tree.expr.span = span(context);
  if (context->BAD_NUMBER() != nullptr) return tree;  // reported by repair
  std::string spelt(spelling(context->start));
  if (context->DURATION() != nullptr || context->UNIT() != nullptr) {
    if (context->UNIT() != nullptr) spelt.append(" ").append(spelling(context->UNIT()->getSymbol()));
    tree.expr.kind = Expr::Kind::duration;
    tree.expr.integer = duration_us(tree.expr.span, spelt);
    return tree;
  }
  const Span span = tree.expr.span;
  tree.expr = literal(context->start);
  tree.expr.span = span;
  return tree;
}

// A number: an integer where it is one and fits, else a float.
Expr Builder::literal(antlr4::Token* token) {
  Expr expr;
  expr.span = span(token);
  const std::string_view spelt = spelling(token);
  const char* const end = spelt.data() + spelt.size();
  if (const auto [at, ec] = std::from_chars(spelt.data(), end, expr.integer); ec == std::errc() && at == end)
    return expr;
  expr.integer = 0;
  expr.kind = Expr::Kind::number;
  if (std::from_chars(spelt.data(), end, expr.number).ec != std::errc()) {
    error("E0118", expr.span, "the number is too large or too small", "numbers reach to about 1.8e308");
    expr.number = 0;
  }
  return expr;
}

Builder::Tree Builder::object(P::ObjectContext* context) {
  Tree tree;
  tree.expr.kind = Expr::Kind::object;
  tree.expr.span = span(context);
  if (!objects_allowed_) {
    error("E0128", tree.expr.span, "an object cannot stand in this expression",
          "objects `{ name: value }` stand behind `send` and `emit`, in tests, mappings and options of destinations");
  }
  const bool allowed_before = std::exchange(objects_allowed_, true);
  std::vector<Tree> values;
  Rule* before = nullptr;
  for (auto* child : context->children) {
    auto* member = dynamic_cast<P::MemberContext*>(child);
    if (member == nullptr) {
      before = nullptr;
      continue;
    }
    if (before != nullptr) {
      error("E0129", span(member), "a comma is missing before this member", "write `{ a: 1, b: 2 }`",
            {{span(before), "behind this one"}});
    }
    before = member;
    if (member->name() != nullptr) {
      tree.expr.members.push_back(name(member->name()));
    } else {
      tree.expr.members.push_back({text(member->text()).bytes, span(member->text())});
    }
    values.push_back(disjunction(member->expression()));
  }
  objects_allowed_ = allowed_before;
  grow(tree, std::move(values));
  if (tree.expr.children.size() != tree.expr.members.size()) tree.expr.members.clear();
  return tree;
}

Expr Builder::object_expression(P::ObjectContext* context) {
  const bool allowed_before = std::exchange(objects_allowed_, true);
  Expr expr = object(context).expr;
  objects_allowed_ = allowed_before;
  return expr;
}

}  // namespace omen
