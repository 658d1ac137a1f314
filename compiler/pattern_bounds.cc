#include "compiler/pattern_bounds.h"

#include <algorithm>

namespace omen {

namespace {

// What comes behind a node, once it could be left.
enum class Behind : uint8_t { match, limit, open };

void collect(const TypedPattern& node, Behind behind, bool is_first, std::vector<OpenLoop>& out) {
  if (node.max == ast::repeat_unbounded && behind == Behind::open) out.push_back({&node, is_first});
  Behind inside =
      node.max > 1 && behind == Behind::match && node.kind != TypedPattern::Kind::step ? Behind::open : behind;
  if (node.within_us >= 0) inside = Behind::limit;
  if (node.kind != TypedPattern::Kind::sequence) {
    const bool is_all = node.kind == TypedPattern::Kind::all;
    for (const TypedPattern& item : node.items) {
      collect(item, is_all && inside == Behind::match ? Behind::open : inside, is_first, out);
    }
    return;
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    // The arrow to the next needed item ends the waiting, when all before it do.
    Behind next = inside;
    for (size_t j = i + 1; j < node.items.size(); ++j) {
      next = inside == Behind::limit || node.gates[j].max_us >= 0 ? Behind::limit : Behind::open;
      if (next == Behind::open || !is_nullable(node.items[j])) break;
    }
    collect(node.items[i], next, is_first, out);
    is_first = is_first && is_nullable(node.items[i]);
  }
}

}  // namespace

bool is_nullable(const TypedPattern& node) {
  if (node.min == 0) return true;
  switch (node.kind) {
    case TypedPattern::Kind::step:
      return false;
    case TypedPattern::Kind::any:
      return std::ranges::any_of(node.items, is_nullable);
    default:
      return std::ranges::all_of(node.items, is_nullable);
  }
}

std::vector<OpenLoop> open_loops(const TypedRule& rule) {
  std::vector<OpenLoop> loops;
  const Behind behind = rule.within_us >= 0 || !rule.pattern.trailing.empty() ? Behind::limit : Behind::match;
  if (rule.within_us < 0) collect(rule.pattern, behind, true, loops);
  return loops;
}

}  // namespace omen
