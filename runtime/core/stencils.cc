#include "runtime/core/stencils.h"

#include <simdjson.h>

#include <cstring>
#include <utility>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "runtime/core/walk.h"

namespace omen {
namespace {

constexpr size_t nodes_max = 4096;
constexpr uint32_t siblings_max = 64;
constexpr size_t line_bytes_max = 8192;    // of a line that is learned: all nodes together have 32 MB at most
constexpr uint32_t slices_full_max = 256;  // how long a full tree is kept
constexpr size_t tokens_max = 1024;        // of the heads of one line
constexpr uint32_t misses_max = 32;        // of a hole's size: more often, and it varies, and is not foreseen

// The value itself. The compiler does not see that, and so does not use in its place what it is compared with.
inline uint32_t foreseen(uint32_t value) {
  __asm__("" : "+r"(value));
  return value;
}

// Where a text that begins at `p` ends: at its quote, or at a byte that it may not have: an escape, a control
// character, or, if it is to be ASCII, one that is not. Reads up to 15 bytes further.
template <bool is_ascii>
inline const char* text_end(const char* p) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
  for (;; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // Signed, what is not ASCII is below all of it.
    const __m128i bad =
        is_ascii ? _mm_cmpgt_epi8(_mm_set1_epi8(0x20), bytes) : _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes);
    const __m128i ends = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, escape)), bad);
    const auto bits = static_cast<uint32_t>(_mm_movemask_epi8(ends));
    if (bits != 0) [[likely]]
      return p + __builtin_ctz(bits);
  }
#else
  while (static_cast<uint8_t>(*p) >= 0x20 && *p != '"' && *p != '\\' && (!is_ascii || static_cast<uint8_t>(*p) < 0x80))
    ++p;
  return p;
#endif
}

// The same for a text that has bytes which are not ASCII; nullptr when it is not UTF-8.
[[gnu::noinline]] const char* utf8_text_end(const char* p) {
  const char* const end = text_end<false>(p);
  return simdjson::validate_utf8(p, static_cast<size_t>(end - p)) ? end : nullptr;
}

// The end of the number that begins at `p`; nullptr when it is none, or long.
inline const char* number_end(const char* p) {
  p += *p == '-';
#if defined(__SSE2__)
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i from_zero = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(-128 - '0')));
  const auto others = ~static_cast<uint32_t>(
      _mm_movemask_epi8(_mm_cmpgt_epi8(_mm_set1_epi8(-128 + 10), from_zero)));  // bits of what is no digit; 16 and up
  const auto size = static_cast<uint32_t>(__builtin_ctz(others));
  if (size - 1 >= 15 || (*p == '0' && size != 1)) [[unlikely]]
    return nullptr;
  p += size;
  if (*p != '.') return p;
  const auto fraction = static_cast<uint32_t>(__builtin_ctz(others >> (size + 1)));  // not within the sixteen: rejected
  return fraction == 0 || size + fraction >= 15 ? nullptr : p + 1 + fraction;
#else
  const auto pass_digits = [](const char* at) {
    while (static_cast<unsigned>(*at - '0') < 10) ++at;
    return at;
  };
  const char* end = pass_digits(p);
  if (end == p || (*p == '0' && end - p > 1)) return nullptr;
  if (*end == '.') {
    const char* const fraction = end + 1;
    end = pass_digits(fraction);
    if (end == fraction) return nullptr;
  }
  return end - p <= 15 ? end : nullptr;
#endif
}

}  // namespace

inline bool Stencils::Node::is_at(const char* at) const {
#if defined(__SSE2__)
  const auto equal = [](const char* text, const char* aligned) {
    return static_cast<uint32_t>(
        _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(text)),
                                         _mm_load_si128(reinterpret_cast<const __m128i*>(aligned)))));
  };
  if ((equal(at, front) | ignored) != 0xFFFF) return false;
  if (size <= 16) return true;
  return size <= 32 ? equal(at + size - 16, back) == 0xFFFF : is_long_at(at);
#else
  return is_long_at(at);
#endif
}

// Stops at the first difference: the slice may end before the constant bytes would. Neither has a zero byte before.
bool Stencils::Node::is_long_at(const char* at) const { return strncmp(at, bytes, size) == 0; }

Stencils::Stencils(const std::vector<std::string>& heads) : heads_(heads), tokens_(tokens_max) {
  nodes_.reserve(nodes_max);
  nodes_.resize(1);
}

void Stencils::tidy() {
  if (!is_full_ || ++slices_full_ < slices_full_max) return;
  is_full_ = false;
  slices_full_ = 0;
  nodes_.assign(1, {});
  bytes_.clear();
  notes_.clear();
}

Stencils::Node* Stencils::other(Node& first, const char* at) {
  for (Node* node = first.sibling; node != nullptr; node = node->sibling) {
    if (node->is_at(at)) return node;
  }
  return nullptr;
}

uint32_t* Stencils::note(const Node& node, uint32_t at, uint32_t* token, Heads& heads) {
  for (const Note& note : *node.notes) {
    if (note.head != head_none) heads.set(note.head, token);
    *token++ = at + note.at;
  }
  return token;
}

// Where a byte stands depends on the length of all holes before it, so each address would wait for the one before. What
// is foreseen does not wait: a hole that was as long in many lines is taken to be so again, and the branch that proves
// it is predicted. That a text ends at a quote is proved by the constant bytes behind it, which begin with one.
const char* Stencils::fit(const char* base, const char* line, Heads& heads) {
  heads.next_line();
  uint32_t* token = tokens_.data();
  const char* p = line;
  for (Node* node = nodes_[0].child; node != nullptr; node = node->child) {
    if (!node->is_at(p)) [[unlikely]] {
      node = other(*node, p);
      if (node == nullptr) return nullptr;
    }
    if (node->has_notes) [[unlikely]]
      token = note(*node, static_cast<uint32_t>(p - base), token, heads);
    p += node->size;
    const char* const hole = p;
    const char* const foreseen_end = p + foreseen(node->hole_size);
    if (node->hole == Hole::text) [[likely]] {
      p = text_end<true>(p);
      if (static_cast<signed char>(*p) < 0) [[unlikely]]
        p = utf8_text_end(hole);
    } else {
      if (node->hole == Hole::none) return p - 1;
      p = number_end(p);
    }
    if (p == nullptr) return nullptr;
    const auto size = static_cast<uint32_t>(p - hole);
    if (size == node->hole_size) [[likely]] {
      p = foreseen_end;
    } else if (node->misses < misses_max) {
      node->hole_size = ++node->misses < misses_max ? size : UINT32_MAX;
    }
    if (node->head != head_none) {
      const bool is_text = node->hole == Hole::text;
      heads.set(node->head, token);
      token[0] = static_cast<uint32_t>(hole - base) - is_text;
      token[1] = static_cast<uint32_t>(p - base) + is_text;
      token += 2;
    }
  }
  return nullptr;
}

void Stencils::learn(const char* base, Token first, Token behind, std::string_view line) {
  const char* const end = base + behind[-1] + 1;
  const std::string_view rest = line.substr(end - line.data());
  if (line.size() > line_bytes_max) return;
  if (base + *first != line.data() || (rest != "\n" && rest != "\r\n")) return;
  pieces_.clear();
  pieces_.emplace_back();
  const char* constant = line.data();  // the beginning of the constant bytes
  const auto end_constant = [&](const char* at, Hole hole, HeadId head) {
    Piece& piece = pieces_.back();
    piece.bytes = {constant, static_cast<size_t>(at - constant)};
    piece.hole = hole;
    piece.head = head;
    pieces_.emplace_back();
  };
  size_t noted = 0;
  uint32_t depth = 0;
  HeadId coming = head_none;  // the head whose value comes
  bool keep = false;          // the token is of a head's value, or the one behind it
  for (Token token = first; token < behind; ++token) {
    const char* const at = base + *token;
    const bool is_name = *at == '"' && base[token[1]] == ':';
    if (depth == 1 && is_name) {
      coming = heads_.find(text_at(base, token));
      keep = false;
      ++token;
      continue;
    }
    const HeadId head = std::exchange(coming, head_none);
    const bool is_number = *at == '-' || (*at >= '0' && *at <= '9');
    const bool is_hole = is_number || (*at == '"' && !is_name);
    keep = keep || (head != head_none && !is_hole);
    if (keep) pieces_.back().notes.push_back({static_cast<uint32_t>(at - constant), head});
    noted += keep ? 1 : head != head_none ? 2 : 0;
    depth += *at == '{' || *at == '[';
    depth -= *at == '}' || *at == ']';
    if (!is_hole) continue;
    end_constant(is_number ? at : at + 1, is_number ? Hole::number : Hole::text, head);
    if (is_number) {
      constant = at;
      while (memchr("+-.0123456789eE", *constant, 15) != nullptr) ++constant;
    } else {
      const std::string_view text = text_at(base, token);
      constant = text.data() + text.size();
    }
  }
  if (noted > tokens_max) return;
  end_constant(line.data() + line.size(), Hole::none, head_none);
  pieces_.pop_back();
  Node* node = &nodes_[0];
  for (const Piece& piece : pieces_) {
    node = grow(*node, piece);
    if (node == nullptr) return;
  }
}

// The child of this kind, or a new one; nullptr where there is no room.
Stencils::Node* Stencils::grow(Node& parent, const Piece& piece) {
  uint32_t siblings = 0;
  for (Node* node = parent.child; node != nullptr; node = node->sibling, ++siblings) {
    if (std::string_view(node->bytes, node->size) == piece.bytes) return node;
  }
  if (siblings == siblings_max || nodes_.size() == nodes_max) {
    is_full_ = true;
    return nullptr;
  }
  std::string& bytes = bytes_.emplace_back(piece.bytes);
  bytes.append(16, '\0');
  Node& node = nodes_.emplace_back();
  node.bytes = bytes.data();
  node.size = static_cast<uint32_t>(piece.bytes.size());
  node.hole = piece.hole;
  node.ignored = node.size < 16 ? 0xFFFFu & ~((1u << node.size) - 1) : 0;
  memcpy(node.front, node.bytes, 16);
  if (node.size > 16) memcpy(node.back, node.bytes + node.size - 16, 16);
  node.head = piece.head;
  node.has_notes = !piece.notes.empty();
  if (node.has_notes) node.notes = &notes_.emplace_back(piece.notes);
  // At the end: what came first comes most often. But before what its bytes begin with, `"a":` of a number.
  Node** link = &parent.child;
  while (*link != nullptr && !piece.bytes.starts_with(std::string_view((*link)->bytes, (*link)->size))) {
    link = &(*link)->sibling;
  }
  node.sibling = *link;
  *link = &node;
  return &node;
}

}  // namespace omen
