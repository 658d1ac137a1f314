#include "runtime/core/layouts.h"

#include <algorithm>
#include <bit>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "runtime/core/walk.h"
#include "runtime/model/status.h"

namespace omen {
namespace {

constexpr size_t blocks_max = 16;  // of 64 bytes: of a line
constexpr size_t layouts_max = LayoutTable::slots_count / 4;
constexpr size_t units_max = (size_t{4} << 20) / LayoutTable::unit;
constexpr size_t seen_count = 4096;
constexpr uint32_t lines_before = 64;      // what has fewer lines needs no layouts
constexpr size_t number_bytes_max = 15;    // without a sign: what a stencil takes
constexpr uint32_t slices_full_max = 256;  // how long full ones are kept
// A line that fits saves some four times what one costs that does not.
constexpr uint32_t pause_lines_max = 65536, retry_credit = 64;

#if defined(__x86_64__)
// Any that are odd.
constexpr uint64_t size_factor = 0x9E3779B97F4A7C15, last_factor = 0xD1B54A32D192ED03;
constexpr uint64_t factors[blocks_max] = {
    0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3,
    0x589965CC75374CC3, 0x1D8E4E27C47D124F, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
    0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53,
    0x94D049BB133111EB, 0xBF58476D1CE4E5B9, 0x9FB21C651E98DF25, 0xAEF17502108EF2D9};

namespace by_16 {
#define OMEN_TARGET
inline __m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
// A word of the bits of four sixteens.
template <typename Of>
inline uint64_t bits(const Of& of) {
  const auto bits_of = [&](size_t at) { return static_cast<uint64_t>(_mm_movemask_epi8(of(at))); };
  return bits_of(0) | bits_of(16) << 16 | bits_of(32) << 32 | bits_of(48) << 48;
}
inline uint64_t equal(const char* p, char c) {
  return bits([&](size_t at) { return _mm_cmpeq_epi8(load(p + at), _mm_set1_epi8(c)); });
}
inline uint64_t equal(const char* p, const char* bytes) {
  return bits([&](size_t at) { return _mm_cmpeq_epi8(load(p + at), load(bytes + at)); });
}
// Signed, what is not ASCII is below all of it.
inline uint64_t stops(const char* p) {
  return bits([&](size_t at) {
    const __m128i v = load(p + at);
    return _mm_or_si128(_mm_cmpgt_epi8(_mm_set1_epi8(' '), v), _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
  });
}
inline uint64_t no_digits(const char* p) {
  return ~bits([&](size_t at) {
    const __m128i from_zero = _mm_add_epi8(load(p + at), _mm_set1_epi8(static_cast<char>(-128 - '0')));
    return _mm_cmpgt_epi8(_mm_set1_epi8(-128 + 10), from_zero);
  });
}
#include "runtime/core/layout_proof.h"
#undef OMEN_TARGET
}  // namespace by_16

namespace by_32 {
#define OMEN_TARGET __attribute__((target("avx2,bmi,bmi2")))
OMEN_TARGET inline uint64_t join(__m256i low, __m256i high) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(low)) | static_cast<uint64_t>(_mm256_movemask_epi8(high)) << 32;
}
OMEN_TARGET inline __m256i load(const char* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
OMEN_TARGET inline uint64_t equal(const char* p, char c) {
  const __m256i all = _mm256_set1_epi8(c);
  return join(_mm256_cmpeq_epi8(load(p), all), _mm256_cmpeq_epi8(load(p + 32), all));
}
OMEN_TARGET inline uint64_t equal(const char* p, const char* bytes) {
  return join(_mm256_cmpeq_epi8(load(p), load(bytes)), _mm256_cmpeq_epi8(load(p + 32), load(bytes + 32)));
}
OMEN_TARGET inline __m256i stops_32(__m256i v) {
  return _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(' '), v), _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
}
OMEN_TARGET inline uint64_t stops(const char* p) { return join(stops_32(load(p)), stops_32(load(p + 32))); }
OMEN_TARGET inline __m256i digits_32(__m256i v) {
  const __m256i from_zero = _mm256_add_epi8(v, _mm256_set1_epi8(static_cast<char>(-128 - '0')));
  return _mm256_cmpgt_epi8(_mm256_set1_epi8(-128 + 10), from_zero);
}
OMEN_TARGET inline uint64_t no_digits(const char* p) { return ~join(digits_32(load(p)), digits_32(load(p + 32))); }
#include "runtime/core/layout_proof.h"
#undef OMEN_TARGET
}  // namespace by_32

namespace by_64 {
#define OMEN_TARGET __attribute__((target("avx512f,avx512bw,bmi,bmi2")))
OMEN_TARGET inline __m512i load(const char* p) { return _mm512_loadu_si512(p); }
OMEN_TARGET inline uint64_t equal(const char* p, char c) {
  return _mm512_cmpeq_epi8_mask(load(p), _mm512_set1_epi8(c));
}
OMEN_TARGET inline uint64_t equal(const char* p, const char* bytes) {
  return _mm512_cmpeq_epi8_mask(load(p), load(bytes));
}
OMEN_TARGET inline uint64_t stops(const char* p) {
  return _mm512_cmplt_epi8_mask(load(p), _mm512_set1_epi8(' ')) | equal(p, '"');
}
OMEN_TARGET inline uint64_t no_digits(const char* p) {
  return _mm512_cmpgt_epu8_mask(_mm512_sub_epi8(load(p), _mm512_set1_epi8('0')), _mm512_set1_epi8(9));
}
#include "runtime/core/layout_proof.h"
#undef OMEN_TARGET
}  // namespace by_64
#endif

}  // namespace

Layouts::Layouts(const std::vector<std::string>& heads, const std::array<HeadId, layout_pieces>& asked)
    : heads_(heads), asked_(asked), places_(heads.size()) {
  width_ = width_max();
  lines_before_ = lines_before;
  forget();
}

// Processors of the first generations with AVX-512 slow down for it: those that have VBMI2 do not.
uint32_t Layouts::width_max() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool has_avx512 =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2");
  return has_avx2 && has_avx512 ? 64 : has_avx2 ? 32 : 16;
#else
  return 0;
#endif
}

void Layouts::use_width(uint32_t bytes) {
  width_ = std::min(bytes, width_max());
  find_ = nullptr;
  credit_ = credit_max;
  pause_ = 0;
  pause_lines_ = pause_lines_min;
  forget();
  if (width_ > 0) begin();
}

void Layouts::begin() {
  table_.slots.resize(LayoutTable::slots_count);
  seen_.resize(seen_count);
#if defined(__x86_64__)
  find_ = width_ == 64 ? by_64::find : width_ == 32 ? by_32::find : by_16::find;
#endif
}

void Layouts::tidy() {
  if (credit_ == credit_max) pause_lines_ = pause_lines_min;
  if (is_full_ && ++slices_full_ == slices_full_max) forget();
}

void Layouts::forget() {
  is_full_ = false;
  slices_full_ = 0;
  count_ = 0;
  units_ = 1;
  table_.slots.assign(table_.slots.size(), {});
  seen_.assign(seen_.size(), {});  // as they are learned at certain counts only
}

void Layouts::miss(const FoundLine& line) {
  if (find_ == nullptr) {
    if (width_ > 0 && --lines_before_ == 0) begin();
    return;
  }
  // The end of the slice, or a line without a feed as those that are decoded again: no line has missed.
  if (line.size == 0) return;
  if (--credit_ == 0) {
    pause_ = pause_lines_;
    pause_lines_ = std::min(pause_lines_ * 2, pause_lines_max);
    credit_ = retry_credit;
  }
  if (line.size == FoundLine::too_long) return;
  hash_ = line.hash;
  Seen& seen = seen_[LayoutTable::tag_of(hash_) % seen_count];
  if (seen.tag != LayoutTable::tag_of(hash_)) seen = {LayoutTable::tag_of(hash_), 0};
  ++seen.count;
  wants_ = !is_full_ && seen.count > 1 && std::has_single_bit(seen.count);
}

void Layouts::learn(Token first, Token behind, std::string_view line) {
  wants_ = false;
  const std::string_view rest = line.substr(std::min<size_t>(behind[-1] + 1, line.size()));
  if (*first != 0 || (rest != "\n" && rest != "\r\n")) return;
  const bool is_plain = std::ranges::all_of(line, [](char c) { return static_cast<signed char>(c) >= 0 && c != '\\'; });
  if (!is_plain) return;
  cut(first, behind, line);
  add(line);
}

void Layouts::cut(Token first, Token behind, std::string_view line) {
  const size_t blocks = (line.size() + 63) / 64;
  bytes_.assign(line);
  bytes_.resize(64 * blocks);
  bits_.assign(blocks, {~uint64_t{0}, 0});
  tokens_.assign(1, 0);
  std::ranges::fill(places_, uint16_t{0});
  const char* const base = line.data();
  uint32_t depth = 0;
  for (Token token = first; token < behind; ++token) {
    const char* const at = base + *token;
    if (*at == '"' && base[token[1]] == ':') {
      const HeadId head = depth == 1 ? heads_.find(text_at(base, token)) : head_none;
      if (head != head_none) {
        // The tokens of its value, and the one behind it.
        places_[head] = static_cast<uint16_t>(tokens_.size());
        uint32_t open = 0;
        Token value = token + 2;
        do {
          const char c = base[*value];
          open += c == '{' || c == '[';
          open -= c == '}' || c == ']';
          tokens_.push_back(*value++);
        } while (open > 0);
        tokens_.push_back(*value);
      }
    } else if (*at == '"') {
      make_hole(*token + 1, text_at(base, token).size(), '\\', false);
    } else if (*at == '-' || (*at >= '0' && *at <= '9')) {
      const size_t begin = *token + (*at == '-');
      const size_t size = line.find_first_not_of("+-.0123456789eE", begin) - begin;
      const std::string_view number = line.substr(begin, size);
      const size_t digits = std::min(number.find('.'), size);
      OMEN_ASSERT(size <= number_bytes_max && number.find_first_of("+-eE") == std::string_view::npos);
      make_hole(begin, digits, '\\', true);
      if (digits > 1) bytes_[begin] = '0';
      if (digits < size) make_hole(begin + digits + 1, size - digits - 1, '\\', true);
    }
    depth += *at == '{' || *at == '[';
    depth -= *at == '}' || *at == ']';
  }
}

void Layouts::make_hole(size_t begin, size_t size, char not_this, bool is_number) {
  for (size_t at = begin; at < begin + size; ++at) {
    const uint64_t bit = uint64_t{1} << at % 64;
    bytes_[at] = not_this;
    bits_[at / 64].constant &= ~bit;
    if (is_number) bits_[at / 64].digit |= bit;
  }
}

void Layouts::add(std::string_view line) {
  LayoutTable::Slot* slot = nullptr;
  size_t alike = 0;  // they stand in this row of slots, as their tags begin with where it begins
  for (size_t i = 0; i < LayoutTable::probes_max && (slot == nullptr || slot->at != 0); ++i) {
    slot = &table_.slots[(LayoutTable::slot_of(hash_) + i) % LayoutTable::slots_count];
    alike += slot->at != 0 && slot->tag == LayoutTable::tag_of(hash_);
  }
  if (slot->at != 0 || alike >= LayoutTable::alike_max) return;
  // All fits into 32 bits, as lines are short.
  const auto bytes_of = [](const auto& list) { return static_cast<uint32_t>(list.size() * sizeof(list[0])); };
  Layout layout;
  layout.size = static_cast<uint32_t>(line.size());
  layout.tokens_at = static_cast<uint32_t>(sizeof(Layout)) + bytes_of(bits_);
  layout.heads_at = layout.tokens_at + bytes_of(tokens_);
  layout.bytes_at = (layout.heads_at + bytes_of(places_) + 63) / 64 * 64;
  for (size_t i = 0; i < layout_pieces; ++i) {
    const uint16_t place = asked_[i] < places_.size() ? places_[asked_[i]] : 0;
    if (place == 0) continue;
    if (line[tokens_[place]] != '"') continue;
    const std::string_view text = text_at(line.data(), tokens_.data() + place);
    layout.pieces[i] = {static_cast<uint16_t>(tokens_[place] + 1), static_cast<uint16_t>(text.size())};
  }
  const size_t units = (layout.bytes_at + bytes_.size()) / LayoutTable::unit;
  if (count_ == layouts_max || units_ + units > units_max) {
    is_full_ = true;
    return;
  }
  if (table_.memory == nullptr) {
    constexpr auto alignment = std::align_val_t(LayoutTable::unit);
    table_.memory.reset(static_cast<char*>(::operator new[](units_max* LayoutTable::unit, alignment)));
  }
  char* const at = table_.memory.get() + units_ * LayoutTable::unit;
  memcpy(at, &layout, sizeof(layout));
  memcpy(at + sizeof(layout), bits_.data(), bytes_of(bits_));
  memcpy(at + layout.tokens_at, tokens_.data(), bytes_of(tokens_));
  if (!places_.empty()) memcpy(at + layout.heads_at, places_.data(), bytes_of(places_));
  memcpy(at + layout.bytes_at, bytes_.data(), bytes_.size());
  *slot = {LayoutTable::tag_of(hash_), static_cast<uint32_t>(units_)};
  ++count_;
  units_ += units;
}

}  // namespace omen
