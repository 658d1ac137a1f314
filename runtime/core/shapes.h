// Shapes: the member names of objects in the order in which they came, learned as a tree.
//
// Objects of a stream repeat a few sequences of names. Along a known sequence a member costs one comparison with what
// came there before, it is known to be no duplicate, and its head (the number of a name that paths of rules begin with)
// is known too. A new name is compared with those before it in its object and becomes a new branch. Where the tree is
// full, or too broad, the object goes on loose: each further name is compared with all before it. That is slow, and
// bounded by event_members_max.
//
// NOT HERE: the grammar (walk.h).
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/names.h"
#include "runtime/model/rejection.h"

namespace omen {

using HeadId = uint32_t;
inline constexpr HeadId head_none = name_none;

// A member name behind those of its parents.
struct ShapeNode {
  uint64_t front = 0, front_mask = 0;  // the first eight bytes; a name that needs escapes never matches by these
  uint32_t size = 0;
  HeadId head = head_none;
  const ShapeNode* child = nullptr;
  const ShapeNode* sibling = nullptr;
  const ShapeNode* parent = nullptr;
  const char* text = nullptr;  // padded
  uint32_t place = 0;          // how many names its parents and it are
};

class Shapes {
 public:
  explicit Shapes(const std::vector<std::string>& heads);

  // The names of an open object so far: those up to `node`, then the loose ones.
  struct Object {
    const ShapeNode* node = nullptr;
    uint32_t loose_begin = 0;
    bool is_loose = false;
  };
  void open(Object& object, bool is_root) {
    if (is_root) loose_.clear();  // of a line that went wrong
    object.node = &nodes_[is_root ? 0 : 1];
    object.is_loose = false;
  }
  void close(const Object& object) {
    if (object.is_loose) [[unlikely]]
      loose_.resize(object.loose_begin);
  }

  // The member of this name, as it stands in the line, when it came here before.
  static const ShapeNode* known(const Object& object, std::string_view padded_name) {
    if (object.is_loose) return nullptr;
    uint64_t front;
    memcpy(&front, padded_name.data(), 8);
    for (const ShapeNode* node = object.node->child; node != nullptr; node = node->sibling) {
      if ((front & node->front_mask) != node->front || node->size != padded_name.size()) continue;
      if (node->size <= 8) return node;
      // The last eight bytes, which may overlap the first.
      uint64_t last, known_last;
      memcpy(&last, padded_name.data() + node->size - 8, 8);
      memcpy(&known_last, node->text + node->size - 8, 8);
      if (last != known_last) continue;
      if (node->size <= 16 || memcmp(padded_name.data() + 8, node->text + 8, node->size - 16) == 0) return node;
    }
    return nullptr;
  }
  // Any other member, its name without escapes. False: to be rejected for `reason`.
  bool add(Object& object, std::string_view padded_name, HeadId& head, Reason& reason);

  void tidy();  // between slices: what was learned is forgotten now and then when the tree is full

 private:
  const ShapeNode* learn(ShapeNode& parent, std::string_view name, HeadId head);

  Names heads_;
  std::vector<ShapeNode> nodes_;   // [0]: the line's own object, [1]: objects inside it; never grows beyond its reserve
  std::deque<std::string> texts_;  // of the nodes
  std::vector<std::string_view> loose_;  // of the open objects, outermost first
  uint32_t slices_full_ = 0;
};

}  // namespace omen
