// Stencils: lines that were walked, as constant bytes with holes where texts and numbers were.
//
//   {"type":"~~~","ts":"~~~","amount":~~~,"ok":true}\n
//
// The lines of a stream fit a few stencils. One that fits needs no tokens, nor a search for its end: its constant bytes
// are compared sixteen at once, its texts are looked through for their end, its numbers for theirs. All else was
// proved when the stencil was made of a line that the walk took: grammar, depth, no duplicate names, what is a head.
// Stencils that begin alike share their beginning: a tree, whose nodes are constant bytes and the hole behind them.
//
// INVARIANTS
//   1. A line that fits is one that the walk takes, with the same heads. (A hole takes no escapes, no control
//      characters, only UTF-8; no exponents, no more than fifteen characters of a number.)
//   2. The tree is bounded, and no long line is learned; when it is full, what was learned is forgotten now and then.
//
// NOT HERE: lines that fit none (walk.h).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/heads.h"

namespace omen {

class Stencils {
 public:
  explicit Stencils(const std::vector<std::string>& heads);
  Stencils(const Stencils&) = delete;
  Stencils& operator=(const Stencils&) = delete;

  // The line that begins at `line`, when it fits one: where its line feed is, and its heads, as offsets from `base`.
  // Otherwise nullptr. What is behind the slice is readable (slice_padding).
  const char* fit(const char* base, const char* line, Heads& heads);

  // Of a line that the walk took, with its line feed and without escapes. Its tokens count from `base`.
  void learn(const char* base, Token first, Token behind, std::string_view line);

  void tidy();  // between slices

 private:
  enum class Hole : uint8_t { text, number, none };  // none: the line's end
  // A token of a head whose value is no hole, or of what is in it.
  struct Note {
    uint32_t at = 0;  // from the beginning of the constant bytes
    HeadId head = head_none;
  };
  struct Node {
    alignas(16) char front[16] = {};  // the first of the constant bytes, and the last, which may overlap
    alignas(16) char back[16] = {};
    uint32_t ignored = 0;  // the bits of `front` behind its end
    uint32_t size = 0;
    Hole hole = Hole::none;
    bool has_notes = false;
    HeadId head = head_none;  // whose value the hole is
    // How long what was in the hole is, as a rule, and how often it was not.
    uint32_t hole_size = 0;
    uint32_t misses = 0;
    Node* child = nullptr;
    Node* sibling = nullptr;
    const char* bytes = nullptr;
    const std::vector<Note>* notes = nullptr;

    bool is_at(const char* at) const;

   private:
    [[gnu::noinline]] bool is_long_at(const char* at) const;
  };
  struct Piece {
    std::string_view bytes;
    Hole hole = Hole::none;
    HeadId head = head_none;
    std::vector<Note> notes;
  };
  Node* grow(Node& parent, const Piece& piece);
  static Node* other(Node& first, const char* at);
  static uint32_t* note(const Node& node, uint32_t at, uint32_t* token, Heads& heads);

  const Names heads_;
  std::vector<Node> nodes_;  // [0]: before the line; never grows beyond its reserve
  std::deque<std::string> bytes_;
  std::deque<std::vector<Note>> notes_;
  std::vector<uint32_t> tokens_;  // of the line in hand
  std::vector<Piece> pieces_;     // of the line that is learned
  bool is_full_ = false;          // something found no room
  uint32_t slices_full_ = 0;
};

}  // namespace omen
