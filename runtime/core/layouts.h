// Layouts: whole lines as constant bytes with holes of fixed sizes.
//
//   {"type":"~~~~~","ts":"~~~~~~~~~~~~~~~~~~~~~~~~","amount":#9.99,"ok":true}\n      ~ text, 9 digit, # no 0 either
//
// A line whose values are as long as those of a line before has every constant byte, and every token, where that had
// it. So nothing in it is looked for:
//   where its quotes stand, 64 bytes to a word, and where it ends    says nearly always which layout it is
//   its bytes are compared with the layout's, 64 at once             proves it, by one branch (layout_proof.h)
//   the offsets of its heads' values                                 are the layout's
// Lines of a stream have some hundreds of layouts: for each stencil one of every combination of sizes that is frequent.
//
// They are made of lines that fit a stencil, when one whose quotes stood like that came before; if none could be made,
// after twice as many again. Where few lines fit, they are only tried now and then.
//
// INVARIANTS
//   1. A line that fits is one that the walk takes, with the same heads. (A hole takes ASCII only, no escapes and no
//      control characters; numbers have no exponent and at most fifteen characters, as those that fit stencils.)
//   2. The layouts are bounded, and no long line is learned; when they are full, all are forgotten now and then.
//
// NOT HERE: lines that fit none (stencils.h). On processors other than x86-64 there are no layouts.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/heads.h"

namespace omen {

// Of 64 bytes of a line, the first byte lowest. What is not constant must not be the layout's byte: that is a
// backslash, or a zero where other digits follow.
struct LayoutBits {
  uint64_t constant, digit;
};

// Heads that each line is asked for: their values stand beside what was read to find the layout.
inline constexpr size_t layout_pieces = 3;

// Behind it stand its bits, tokens and heads, and its bytes.
struct alignas(16) Layout {
  struct Piece {
    uint16_t at = 0, size = 0;
    std::string_view of(const char* line) const { return {line + at, size}; }
  };
  uint32_t size = 0;  // of the line, with its line feed
  uint32_t tokens_at = 0, heads_at = 0, bytes_at = 0;
  Piece pieces[layout_pieces];  // what is in the texts of such heads, at 0: it has none

  void give_to(Heads& heads) const { heads.use(at<uint16_t>(heads_at), at<uint32_t>(tokens_at)); }
  const LayoutBits* bits() const { return reinterpret_cast<const LayoutBits*>(this + 1); }
  template <typename T>
  const T* at(uint32_t offset) const {
    return reinterpret_cast<const T*>(reinterpret_cast<const char*>(this) + offset);
  }
};

// Open addressing by the hash of a line's quotes, three quarters of it free. A layout stands near its place, with few
// of the same tag, or is not learned: lines that are made to collide are compared with two layouts at most.
struct LayoutTable {
  static constexpr size_t probes_max = 16;
  static constexpr size_t alike_max = 2;  // of one tag: each is compared as a whole
  static constexpr uint32_t slot_bits = 14;
  static constexpr size_t slots_count = size_t{1} << slot_bits;
  static constexpr size_t unit = 64;  // of memory: a line of the cache
  struct Slot {
    uint32_t tag = 0;
    uint32_t at = 0;  // in units; 0: free
  };
  static size_t slot_of(uint64_t hash) { return hash >> (64 - slot_bits); }
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  const Layout& layout(uint32_t at) const { return *reinterpret_cast<const Layout*>(memory.get() + at * unit); }

  struct Free {
    void operator()(char* bytes) const { ::operator delete[](bytes, std::align_val_t(unit)); }
  };
  std::vector<Slot> slots;
  std::unique_ptr<char[], Free> memory;
};

struct FoundLine {
  const Layout* layout = nullptr;
  uint64_t hash = 0;
  static constexpr uint32_t too_long = UINT32_MAX;
  uint32_t size = 0;  // with its line feed; 0: the slice has none
};

class Layouts {
 public:
  Layouts(const std::vector<std::string>& heads, const std::array<HeadId, layout_pieces>& asked);
  Layouts(const Layouts&) = delete;
  Layouts& operator=(const Layouts&) = delete;

  // How many lines from `line` on fit layouts; which they are. 64 bytes behind the slice are readable.
  size_t find(const char* line, const char* slice_end, std::span<FoundLine> lines) {
    wants_ = false;
    if (pause_ > 0) [[unlikely]]
      return --pause_, 0;
    const size_t count = find_ != nullptr ? find_(table_, line, slice_end, lines) : 0;
    credit_ = std::min(credit_ + static_cast<uint32_t>(count) * fit_credit, credit_max);
    if (count < lines.size()) miss(lines[count]);  // or at the end of the slice
    return count;
  }
  // Whether the first line that fitted none is to be learned, if the walk takes it.
  bool wants() const { return wants_; }
  // Of that line, with its line feed: it fitted a stencil. Its tokens count from its beginning.
  void learn(Token first, Token behind, std::string_view line);

  void tidy();  // between slices

  // How many bytes are compared at once: as many as the processor can, unless a test asks for fewer. 0: no layouts.
  static uint32_t width_max();
  void use_width(uint32_t bytes);

 private:
  using Find = size_t (*)(const LayoutTable& table, const char* line, const char* slice_end,
                          std::span<FoundLine> lines);
  static constexpr uint32_t credit_max = 256, fit_credit = 4, pause_lines_min = 2048;

  void begin();
  void miss(const FoundLine& line);
  void cut(Token first, Token behind, std::string_view line);
  void make_hole(size_t begin, size_t size, char not_this, bool is_number);
  void add(std::string_view line);
  void forget();

  const Names heads_;
  const std::array<HeadId, layout_pieces> asked_;
  uint32_t width_ = 0;
  Find find_ = nullptr;  // none yet: they have not begun
  uint32_t lines_before_ = 0;
  LayoutTable table_;
  size_t count_ = 0;
  size_t units_ = 1;  // of the memory, in use
  struct Seen {
    uint32_t tag = 0, count = 0;
  };
  std::vector<Seen> seen_;  // lines that fitted none, by their tags; one may take another's place
  uint64_t hash_ = 0;       // of the line in hand
  bool wants_ = false;
  bool is_full_ = false;  // something found no room
  uint32_t slices_full_ = 0;
  uint32_t credit_ = credit_max;            // a fit adds to it, a miss takes from it; at 0 there is a pause
  uint32_t pause_ = 0;                      // so many calls of find to come, of a line each, look for nothing
  uint32_t pause_lines_ = pause_lines_min;  // the next pause: each is longer, until nearly all lines fit

  // Of the line that is learned.
  std::vector<LayoutBits> bits_;
  std::string bytes_;
  std::vector<uint32_t> tokens_;
  std::vector<uint16_t> places_;  // by HeadId, in tokens_; 0: it has none
};

}  // namespace omen
