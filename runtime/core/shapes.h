// Shapes: the member names of objects in the order in which they came, learned as a tree.
//
// Objects of a stream repeat a few sequences of names. Along a known sequence a member costs one comparison with what
// came there before, it is known to be no duplicate, and its head (the number of a name that paths of rules begin with)
// is known too. A new name is compared with those before it in its object and becomes a new branch. Where the tree is
// full, or too broad, or a name is long, the object goes on loose: each further name is compared with all before it.
// That is slow, and bounded by event_members_max.
//
// NOT HERE: the grammar (walk.h).
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/heads.h"
#include "runtime/model/rejection.h"

namespace omen {

// A member name behind those of its parents.
struct ShapeNode {
  // The first and the last eight bytes of `"name"`, which may overlap; masked where it is shorter. One that needs
  // escapes never matches by these.
  uint64_t front = 1, back = 0, mask = 0;
  uint32_t back_at = 0;
  uint32_t size = 0;  // without the quotes
  HeadId head = head_none;
  uint32_t place = 0;  // how many names its parents and it are
  const ShapeNode* child = nullptr;
  const ShapeNode* sibling = nullptr;
  const ShapeNode* parent = nullptr;
  const char* text = nullptr;  // within its quotes, padded

  // Whether it is the name in the quotes that begin at `quote`.
  bool is_at(const char* quote) const {
    uint64_t at_front, at_back;
    memcpy(&at_front, quote, 8);
    if ((at_front & mask) != front) return false;
    if (size > 14) return is_long_at(quote);
    memcpy(&at_back, quote + back_at, 8);
    return (at_back & mask) == back;
  }

 private:
  // Stops at the first difference: the slice may end before the name would.
  [[gnu::noinline]] bool is_long_at(const char* quote) const { return strncmp(quote, text - 1, size + 2) == 0; }
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

  // The member whose name, in the quotes that begin at `quote`, came here before.
  static const ShapeNode* known(const Object& object, const char* quote) {
    if (object.is_loose) return nullptr;
    for (const ShapeNode* node = object.node->child; node != nullptr; node = node->sibling) {
      if (node->is_at(quote)) return node;
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
