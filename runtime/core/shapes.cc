#include "runtime/core/shapes.h"

#include <algorithm>

#include "runtime/model/limits.h"

namespace omen {
namespace {

constexpr size_t nodes_max = 8192;
constexpr uint32_t siblings_max = 64;
constexpr size_t name_bytes_max = 1024;    // of a name that is learned: all nodes together have 8 MB at most
constexpr uint32_t slices_full_max = 256;  // how long a full tree is kept

std::string_view name_of(const ShapeNode& node) { return {node.text, node.size}; }

}  // namespace

Shapes::Shapes(const std::vector<std::string>& heads) : heads_(heads) {
  nodes_.reserve(nodes_max);
  nodes_.resize(2);
}

void Shapes::tidy() {
  if (nodes_.size() < nodes_max || ++slices_full_ < slices_full_max) return;
  slices_full_ = 0;
  nodes_.assign(2, {});
  texts_.clear();
}

bool Shapes::add(Object& object, std::string_view padded_name, HeadId& head, Reason& reason) {
  const uint32_t loose = object.is_loose ? static_cast<uint32_t>(loose_.size()) - object.loose_begin : 0;
  if (object.node->place + loose >= event_members_max) return reason = Reason::too_many_members, false;
  uint32_t siblings = 0;
  if (!object.is_loose) {
    for (const ShapeNode* node = object.node->child; node != nullptr; node = node->sibling, ++siblings) {
      if (name_of(*node) != padded_name) continue;
      object.node = node;
      head = node->head;
      return true;
    }
  }
  const ShapeNode* root = object.node;
  for (; root->parent != nullptr; root = root->parent) {
    if (name_of(*root) == padded_name) return reason = Reason::duplicate_member, false;
  }
  head = root == &nodes_[0] ? heads_.find(padded_name) : head_none;
  const bool has_room = siblings < siblings_max && nodes_.size() < nodes_max && padded_name.size() <= name_bytes_max;
  if (!object.is_loose && has_room) {
    object.node = learn(nodes_[object.node - nodes_.data()], padded_name, head);
    return true;
  }
  if (!object.is_loose) {
    object.is_loose = true;
    object.loose_begin = static_cast<uint32_t>(loose_.size());
  }
  const auto first = loose_.begin() + object.loose_begin;
  if (std::find(first, loose_.end(), padded_name) != loose_.end()) return reason = Reason::duplicate_member, false;
  loose_.push_back(padded_name);
  return true;
}

const ShapeNode* Shapes::learn(ShapeNode& parent, std::string_view name, HeadId head) {
  std::string& text = texts_.emplace_back('"' + std::string(name) + '"');
  text.append(name_padding, '\0');
  ShapeNode node;
  node.text = text.data() + 1;
  node.size = static_cast<uint32_t>(name.size());
  node.head = head;
  node.parent = &parent;
  node.place = parent.place + 1;
  if (name.find_first_of("\\\"") == std::string_view::npos) {
    const size_t size = name.size() + 2;
    node.mask = size < 8 ? (uint64_t{1} << (8 * size)) - 1 : ~uint64_t{0};
    node.back_at = size < 8 ? 0 : static_cast<uint32_t>(size - 8);
    memcpy(&node.front, text.data(), 8);
    memcpy(&node.back, text.data() + node.back_at, 8);
    node.front &= node.mask;
    node.back &= node.mask;
  }
  nodes_.push_back(node);
  ShapeNode* const added = &nodes_.back();
  // At the end: what came first comes most often.
  const ShapeNode** link = &parent.child;
  while (*link != nullptr) link = &nodes_[*link - nodes_.data()].sibling;
  *link = added;
  return added;
}

}  // namespace omen
