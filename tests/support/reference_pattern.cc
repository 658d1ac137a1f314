#include "tests/support/reference_pattern.h"

#include <algorithm>

namespace omen::reference {

namespace {

struct Builder {
  RulePattern& out;
  int next_id = 0;

  size_t route_of(const std::vector<ast::Path>& by, bool any_type, const std::string& type) {
    std::vector<Path> key;
    for (const ast::Path& path : by) key.push_back(path.parts);
    auto same = [](const Path& a, const Path& b) {
      return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                        [](const auto& x, const auto& y) { return x.index == y.index && x.member == y.member; });
    };
    for (size_t i = 1; i < out.routes.size(); i++) {
      RulePattern::Route& route = out.routes[i];
      if (!std::equal(key.begin(), key.end(), route.key.begin(), route.key.end(), same)) continue;
      route.types.emplace_back(any_type, type);
      return i;
    }
    out.routes.push_back({std::move(key), {{any_type, type}}});
    return out.routes.size() - 1;
  }

  StepDefinition step(const ast::Step& source) {
    StepDefinition result;
    const ast::Step* base = &source;
    auto named = out.patterns.find(source.type.text);
    if (!source.any_type && named != out.patterns.end()) {
      base = named->second;
      if (base->condition) result.conditions.push_back(&*base->condition);
    }
    result.any_type = base->any_type;
    result.type = base->type.text;
    if (source.condition) result.conditions.push_back(&*source.condition);
    const std::vector<ast::Path>& by = source.by.empty() ? base->by : source.by;
    if (!by.empty()) result.route = route_of(by, result.any_type, result.type);
    return result;
  }

  Absence absence(const ast::Pattern& source) {
    Absence result;
    for (const ast::Step& alternative : source.alternatives) result.steps.push_back(step(alternative));
    if (source.absent_for) result.for_us = source.absent_for->us;
    return result;
  }

  std::unique_ptr<Node> sequence(const ast::Pattern& source) {
    auto node = std::make_unique<Node>();
    node->kind = Node::Kind::sequence;
    Gap gap;
    for (size_t i = 0; i < source.items.size(); i++) {
      if (i > 0) {
        const ast::Arrow& arrow = source.arrows[i - 1];
        gap.immediate = arrow.immediate;
        gap.at_least = arrow.at_least ? std::optional(arrow.at_least->us) : std::nullopt;
        gap.at_most = arrow.at_most ? std::optional(arrow.at_most->us) : std::nullopt;
      }
      const ast::Pattern& item = source.items[i];
      if (item.kind == ast::Pattern::Kind::absence) {
        gap.absences.push_back(absence(item));
        continue;
      }
      std::unique_ptr<Node> child = pattern(item);
      std::vector<Absence> trailing;
      Node* inner = child.get();
      if (inner->kind == Node::Kind::span) inner = inner->items[0].get();
      if (inner->kind == Node::Kind::sequence) {  // a `not` at the edge of a group stands in the gap outside
        auto& leading = inner->gaps[0].absences;
        gap.absences.insert(gap.absences.end(), leading.begin(), leading.end());
        leading.clear();
        trailing.swap(inner->trailing);
      }
      node->gaps.push_back(std::move(gap));
      node->items.push_back(std::move(child));
      gap = {};
      gap.absences = std::move(trailing);
    }
    node->trailing = std::move(gap.absences);
    return node;
  }

  std::unique_ptr<Node> wrap(Node::Kind kind, std::unique_ptr<Node> item) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->items.push_back(std::move(item));
    return node;
  }

  std::unique_ptr<Node> pattern(const ast::Pattern& source) {
    std::unique_ptr<Node> node;
    switch (source.kind) {
      case ast::Pattern::Kind::step:
        node = std::make_unique<Node>();
        node->step = step(source.step);
        break;
      case ast::Pattern::Kind::sequence:
        node = sequence(source);
        if (node->items.size() == 1 && node->gaps[0].absences.empty() && node->trailing.empty()) {
          std::unique_ptr<Node> only = std::move(node->items[0]);
          node = std::move(only);
        }
        break;
      case ast::Pattern::Kind::all:
      case ast::Pattern::Kind::any:
        node = std::make_unique<Node>();
        node->kind = source.kind == ast::Pattern::Kind::all ? Node::Kind::all : Node::Kind::any;
        for (const ast::Pattern& item : source.items) node->items.push_back(pattern(item));
        break;
      case ast::Pattern::Kind::absence:
        break;  // handled by sequence
    }
    if (source.within) {
      node = wrap(Node::Kind::span, std::move(node));
      node->within_us = source.within->us;
    }
    if (source.repeat) {
      node = wrap(Node::Kind::loop, std::move(node));
      node->min = source.repeat->min;
      node->max = source.repeat->max;
      node->consecutive = source.repeat->consecutive;
      node->is_group = source.kind != ast::Pattern::Kind::step;
    }
    if (source.as) {
      if (node->name) node = wrap(Node::Kind::span, std::move(node)), node->within_us = INT64_MAX;
      node->name = source.as->text;
    }
    return node;
  }

  void number(Node& node) {
    node.id = next_id++;
    for (size_t i = 0; i < node.items.size(); i++) {
      node.items[i]->parent = &node;
      node.items[i]->place = i;
      number(*node.items[i]);
    }
    node.end = next_id;
  }

  void add_name(const std::string& text, const Node& node, bool in_alert) {
    auto name = std::find_if(out.names.begin(), out.names.end(), [&](const auto& known) { return known.text == text; });
    if (name == out.names.end()) name = out.names.insert(name, {text, {}, {}});
    name->nodes.push_back(&node);
    if (in_alert) name->alert_nodes.push_back(&node);
  }

  // In the order of writing: a name stands behind what it names. `covered`: the node stands below a named one. An
  // unnamed step is named by its type, together with the loop that repeats it.
  void collect_names(const Node& node, bool covered) {
    bool is_loop_of_step = node.kind == Node::Kind::loop && node.items[0]->kind == Node::Kind::step;
    const Node& step = is_loop_of_step ? *node.items[0] : node;
    if (step.kind == Node::Kind::step && !step.name && !node.name) {
      add_name(step.step.any_type ? "*" : step.step.type, node, !covered);
    } else if (step.kind != Node::Kind::step || step.name) {
      for (const auto& item : node.items) collect_names(*item, covered || node.name);
    }
    if (node.name) add_name(*node.name, node, true);
  }
};

// Names that every way through the node binds (those of optional steps and loops included).
void add_always(const RulePattern& pattern, const Node& node, Names& out) {
  auto add = [&](const NameDefinition* name) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  };
  for (const NameDefinition& name : pattern.names) {
    if (std::find(name.nodes.begin(), name.nodes.end(), &node) != name.nodes.end()) add(&name);
  }
  if (node.kind != Node::Kind::any) {
    for (const auto& item : node.items) add_always(pattern, *item, out);
    return;
  }
  for (const NameDefinition& name : pattern.names) {
    bool everywhere = true;
    for (const auto& branch : node.items) {
      Names bound;
      add_always(pattern, *branch, bound);
      everywhere = everywhere && std::find(bound.begin(), bound.end(), &name) != bound.end();
    }
    if (everywhere) add(&name);
  }
}

void find_bound(const RulePattern& pattern, Node& node) {
  for (const Node* n = &node; n->parent != nullptr; n = n->parent) {
    const Node& parent = *n->parent;
    if (parent.kind == Node::Kind::sequence) {
      for (size_t i = 0; i < n->place; i++) add_always(pattern, *parent.items[i], node.bound);
    }
    if (parent.kind == Node::Kind::loop) {  // the loop's own name: what has been taken so far
      for (const NameDefinition& name : pattern.names) {
        if (std::find(name.nodes.begin(), name.nodes.end(), &parent) != name.nodes.end()) node.bound.push_back(&name);
      }
    }
  }
  if (node.kind == Node::Kind::sequence) {
    node.gap_bound.push_back(node.bound);
    for (const auto& item : node.items) {
      node.gap_bound.push_back(node.gap_bound.back());
      add_always(pattern, *item, node.gap_bound.back());
    }
  }
  for (const auto& item : node.items) find_bound(pattern, *item);
}

}  // namespace

RulePattern make_pattern(const std::vector<ast::File>& files, const ast::Rule& rule) {
  RulePattern out;
  out.rule = &rule;
  for (const ast::File& file : files) {
    for (const ast::NamedStep& named : file.patterns) out.patterns[named.name.text] = &named.step;
    for (const ast::Let& let : file.lets) out.lets[let.name.text] = &let.value;
  }
  out.routes.emplace_back();
  for (const ast::Path& path : rule.by) out.routes[0].key.push_back(path.parts);
  Builder builder{out};
  const ast::Pattern& top = *rule.match;
  bool is_bare = top.kind == ast::Pattern::Kind::sequence && !top.repeat && !top.as && !top.within;
  if (is_bare) {
    out.root = builder.sequence(top);
  } else {
    out.root = builder.wrap(Node::Kind::sequence, builder.pattern(top));
    out.root->gaps.emplace_back();
    Node* inner = out.root->items[0].get();
    if (inner->kind == Node::Kind::span) inner = inner->items[0].get();
    if (inner->kind == Node::Kind::sequence) {
      out.root->gaps[0].absences.swap(inner->gaps[0].absences);
      out.root->trailing.swap(inner->trailing);
    }
  }
  builder.number(*out.root);
  builder.collect_names(*out.root, false);
  find_bound(out, *out.root);
  for (const ast::Step& step : rule.unless) out.unless.push_back(builder.step(step));
  return out;
}

uint64_t events_max(const Node& node) {
  constexpr uint64_t many = 1'000'000;
  uint64_t sum = node.kind == Node::Kind::step ? 1 : 0;
  for (const auto& item : node.items) {
    uint64_t of_item = events_max(*item);
    sum = node.kind == Node::Kind::any ? std::max(sum, of_item) : sum + of_item;
  }
  if (node.kind == Node::Kind::loop) sum *= node.max == ast::repeat_unbounded ? many : node.max;
  return std::min(sum, many);
}

}  // namespace omen::reference
