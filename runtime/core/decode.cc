#include "runtime/core/decode.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "runtime/core/json.h"
#include "runtime/model/limits.h"
#include "runtime/model/time.h"

namespace omen {
namespace {

constexpr uint32_t fits_max = 8;  // lines in sequence that fit a stencil: the next one will, too
constexpr uint32_t learned_at_once = 4;
constexpr size_t found_at_once = 32;    // lines are still in the first cache when they are read again
constexpr size_t row_bytes_max = 2048;  // on the average: a batch of rows stays in the cache

HeadId head_of(std::vector<std::string>& heads, const std::string& name) {
  const auto found = std::find(heads.begin(), heads.end(), name);
  if (found != heads.end()) return static_cast<HeadId>(found - heads.begin());
  heads.push_back(name);
  return static_cast<HeadId>(heads.size() - 1);
}

// A path that is just `type`, `ts` or `id` reads the engine's member, however that is called in the input.
std::optional<size_t> envelope_member(const FieldPath& path) {
  if (path.parts.size() != 1) return std::nullopt;
  for (size_t i = 0; const char* name : {"type", "ts", "id"}) {
    if (path.parts[0].member == name) return i;
    ++i;
  }
  return std::nullopt;
}

// The next line feed, or the end. Lines are short: a call of memchr takes longer than looking. What is behind the end
// is readable (slice_padding).
const char* find_line_end(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i feed = _mm_set1_epi8('\n');
  const auto feeds_at = [&](const char* from) {
    return _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), feed);
  };
  for (; at < end; at += 64) {
    const __m128i a = feeds_at(at), b = feeds_at(at + 16), c = feeds_at(at + 32), d = feeds_at(at + 48);
    if (_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) == 0) continue;
    const auto bits = [](__m128i found) { return static_cast<uint64_t>(_mm_movemask_epi8(found)); };
    return std::min(at + __builtin_ctzll(bits(a) | bits(b) << 16 | bits(c) << 32 | bits(d) << 48), end);
  }
  return end;
#else
  const auto* const found = static_cast<const char*>(memchr(at, '\n', end - at));
  return found != nullptr ? found : end;
#endif
}

// One by one: all of it at once is a `rep stos`, which takes longer to begin than to write a hundred bytes, and a text
// that is given on to the next one is read back before it has been written.
inline void clear(Event& event) {
  static_assert(sizeof(Event) == 96);  // a member that is added is to be cleared, too
  event.time_us = event.ts_us = 0;
  event.sequence = event.derived_so_far = 0;
  event.type = type_unnamed;
  event.is_derived = event.is_broken = false;
  event.type_name = {};
  event.id = {};
  event.raw = {};
  event.fields = nullptr;
}

// Why the first stage refuses a line, and where: its bytes, a control character in a text, or a text without end.
std::pair<Reason, const char*> text_fault(std::string_view line) {
  const size_t bad_byte = json::utf8_fault(line);
  if (bad_byte < line.size()) return {Reason::not_utf8, line.data() + bad_byte};
  bool in_text = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      in_text = !in_text;
    } else if (in_text && static_cast<uint8_t>(line[i]) < 0x20) {
      return {Reason::not_json, line.data() + i};
    }
  }
  return {Reason::not_json, line.data() + line.size()};
}

}  // namespace

Decoder::Decoder(const Program& program, const Envelope& envelope, Declared declared, size_t batch_events)
    : program_(program),
      batch_max_(batch_events),
      are_events_(true),
      declared_(declared),
      validator_(program),
      default_type_(envelope.type + std::string(name_padding, '\0')),
      type_head_(head_of(head_names_, envelope.type_field)),
      time_head_(head_of(head_names_, envelope.time_field)),
      id_head_(head_of(head_names_, envelope.id_field)) {
  for (const TypeInfo& type : program.types) plan(type);
  prepare();
}

Decoder::Decoder(const Program& program, const PlainObjects& objects)
    : program_(program),
      are_events_(false),
      declared_(Declared::nothing),
      validator_(program),
      type_head_(0),
      time_head_(0),
      id_head_(0) {
  plan({{}, objects.fields, {}});
  prepare();
}

Decoder::~Decoder() = default;

void Decoder::prepare() {
  std::vector<std::string> type_names;
  for (const TypeInfo& type : program_.types) type_names.push_back(type.name);
  types_.emplace(type_names);
  heads_.emplace(head_names_.size());
  layouts_.emplace(head_names_, std::array{type_head_, time_head_, id_head_});
  stencils_.emplace(head_names_);
  walk_.emplace(head_names_, *heads_);
  const size_t row_bytes = std::max<size_t>(1, program_.fields.size() * sizeof(Value));
  batch_max_ = std::clamp<size_t>(batch_max_ * row_bytes_max / row_bytes, 16, batch_max_);
  found_.resize(found_at_once);
  row_size_ = program_.fields.size();
  rows_.resize(batch_max_ * row_size_);
  events_.resize(batch_max_);
  places_.reserve(batch_max_);
}

// What is to be extracted of the next type.
void Decoder::plan(const TypeInfo& type) {
  const auto type_id = static_cast<TypeId>(extractions_.size());
  Extraction& extraction = extractions_.emplace_back();
  extraction.fields = type.fields;
  extraction.is_declared = declared_ != Declared::nothing && validator_.is_declared(type_id);
  for (const FieldId field : type.fields) {
    const FieldPath& path = declared_ == Declared::nothing ? program_.fields[field] : type.path(field, program_.fields);
    if (const auto member = envelope_member(path); member && are_events_) {
      extraction.members.emplace_back(field, static_cast<Member>(*member));
      continue;
    }
    const HeadId head = head_of(head_names_, path.parts[0].member);
    const auto glance = declared_ != Declared::nothing ? validator_.glance(type_id, field) : std::nullopt;
    if (glance) {
      extraction.glances.emplace_back(head, *glance);
      extraction.glanced.emplace_back(head, field);
      continue;
    }
    auto at = std::find_if(extraction.heads.begin(), extraction.heads.end(),
                           [&](const auto& known) { return known.first == head; });
    if (at == extraction.heads.end()) at = extraction.heads.insert(at, {head, PathNode{path.parts[0], {}, {}}});
    PathNode* node = &at->second;
    for (size_t i = 1; i < path.parts.size(); ++i) {
      const FieldPath::Part& part = path.parts[i];
      auto below = std::find_if(node->below.begin(), node->below.end(), [&](const PathNode& known) {
        return known.part.index == part.index && known.part.member == part.member;
      });
      if (below == node->below.end()) below = node->below.insert(below, PathNode{part, {}, {}});
      node = &*below;
    }
    node->fields.push_back(field);
  }
}

bool Decoder::run_stage_one(std::string_view text) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto error = stage_one_->stage1(bytes, text.size(), simdjson::stage1_mode::regular);
  if (error == simdjson::EMPTY) {  // no token at all
    stage_one_->structural_indexes[0] = static_cast<uint32_t>(text.size());
  } else if (error != simdjson::SUCCESS) {
    return false;
  }
  base_ = text.data();
  token_ = stage_one_->structural_indexes.get();
  return true;
}

void Decoder::open(std::string_view lines, LinePlace first, int64_t arrival_us) {
  if (lines.size() > capacity_ || stage_one_ == nullptr) {
    capacity_ = std::max<size_t>(lines.size(), 64);
    const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
        capacity_, simdjson::DEFAULT_MAX_DEPTH, stage_one_);
    OMEN_ASSERT(error == simdjson::SUCCESS);  // out of memory
  }
  layouts_->tidy();
  stencils_->tidy();
  walk_->tidy();
  plain_.open(lines.size());
  slice_ = lines;
  place_ = first;
  arrival_us_ = arrival_us;
  cursor_ = lines.data();
  tokens_end_ = lines.data();
  fits_ = fits_max;
}

Decoder::Batch Decoder::next() {
  event_count_ = 0;
  places_.clear();
  rejections_.clear();
  const char* const end = slice_.data() + slice_.size();
  while (cursor_ < end && event_count_ < batch_max_ && rejections_.size() < batch_max_) {
    const bool has_tokens = cursor_ < tokens_end_ || !uses_stencils_;
    if (!has_tokens && take_found()) continue;
    const char* const line = cursor_;
    const char* line_end = nullptr;
    if (!has_tokens) line_end = stencils_->fit(slice_.data(), line, *heads_);
    if (line_end != nullptr && line_end - line <= event_bytes_max) {
      fits_ += fits_ < fits_max;
      ++fitted_;
      base_ = slice_.data();
      next_escape_ = line_end;
      const auto object_size = static_cast<size_t>(line_end - line) - (line_end[-1] == '\r');
      finish_event({line, static_cast<size_t>(line_end - line)}, {line, object_size});
      if (layouts_->wants()) [[unlikely]]
        learn_layout(line, line_end);
    } else {
      if (line >= tokens_end_) find_tokens(line);
      line_end = find_line_end(line, end);
      decode_line(line, line_end);
    }
    cursor_ = line_end < end ? line_end + 1 : end;
    ++lines_;
    ++place_.line;
    place_.offset += cursor_ - line;
  }
  return {std::span(events_).first(event_count_), places_, rejections_};
}

// The lines from the next one on that fit layouts. False: a line is next that does not.
inline bool Decoder::take_found() {
  const char* const end = slice_.data() + slice_.size();
  const size_t room = std::min(batch_max_ - std::max(event_count_, rejections_.size()), found_at_once);
  const size_t count = layouts_->find(cursor_, end, std::span(found_).first(room));
  for (const FoundLine& found : std::span(found_).first(count)) {
    const size_t size = found.size - 1;
    const std::string_view line(cursor_, size);
    found.layout->give_to(*heads_);
    base_ = cursor_;
    next_escape_ = cursor_ + size;
    finish_event(line, line.substr(0, size - (line[size - 1] == '\r')), found.layout);
    cursor_ += found.size;
    ++place_.line;
    place_.offset += found.size;
  }
  fits_ = static_cast<uint32_t>(std::min<size_t>(fits_ + count, fits_max));
  lines_ += count;
  fitted_ += count;
  found_count_ += count;
  return count == room || cursor_ == end;
}

// Of a line that fitted a stencil, when it is done. No tokens of lines to come are lost: there are none.
void Decoder::learn_layout(const char* line, const char* line_end) {
  if (!run_stage_one({line, static_cast<size_t>(line_end - line)})) return;
  layouts_->learn(token_, token_ + stage_one_->n_structural_indexes, {line, static_cast<size_t>(line_end - line) + 1});
}

// The first stage from this line on: over it alone where such lines are rare, over more at once, up to the whole slice,
// where few lines have fitted since the last time.
void Decoder::find_tokens(const char* line) {
  const char* const end = slice_.data() + slice_.size();
  const size_t rest = end - line;
  tokens_bytes_ = !uses_stencils_ ? rest : fits_ == fits_max ? 1 : std::min(tokens_bytes_ * 2, capacity_);
  fits_ = 0;
  to_learn_ = uses_stencils_ ? learned_at_once : 0;
  const char* const last_end = tokens_bytes_ < rest ? find_line_end(line + tokens_bytes_ - 1, end) : end;
  tokens_end_ = std::min(last_end + 1, end);
  next_escape_ = line - 1;
  // Without its last line feed, which then stands where the walk stops.
  is_by_line_ = !run_stage_one({line, static_cast<size_t>(last_end - line)});
}

void Decoder::decode_line(const char* line, const char* line_end) {
  const std::string_view text(line, line_end - line);
  if (text.size() > event_bytes_max) {
    reject(Reason::too_long, line + event_bytes_max, text);
    return pass_tokens(line_end);
  }
  if (is_by_line_ && !run_stage_one(text)) {
    const auto [reason, at] = text_fault(text);
    return reject(reason, at, text);
  }
  const Token first = token_;
  if (base_ + *first >= line_end) return;  // a blank line
  if (next_escape_ < line) {
    next_escape_ = static_cast<const char*>(memchr(line, '\\', tokens_end_ - line));
    if (next_escape_ == nullptr) next_escape_ = tokens_end_;
  }
  if (!walk_->line(base_, first, line_end, next_escape_ < line_end, plain_)) {
    reject(walk_->fault(), walk_->fault_at(), text);
    return pass_tokens(line_end);
  }
  token_ = walk_->behind();
  if (to_learn_ > 0 && next_escape_ >= line_end && line_end < slice_.data() + slice_.size()) {
    --to_learn_;
    stencils_->learn(base_, first, token_, {line, text.size() + 1});
  }
  const char* const object = base_ + *first;
  finish_event(text, {object, static_cast<size_t>(base_ + token_[-1] + 1 - object)});
}

// Of a line that was walked, or fits.
inline void Decoder::finish_event(std::string_view line, std::string_view object, const Layout* layout) {
  Value* const row = rows_.data() + event_count_ * row_size_;
  Event& event = events_[event_count_];
  clear(event);
  if (are_events_ && !(layout != nullptr && read_envelope(event, line.data(), *layout)) &&
      !read_envelope(event, object.data()))
    return reject(fault_.first, fault_.second, line);
  event.raw = object;
  event.fields = row;
  const Extraction& extraction = extractions_[event.type];
  if (!extraction.fields.empty()) extract(extraction, event, row);
  event.is_broken = extraction.is_declared ? breaks_declaration(extraction, event, row) : declared_ == Declared::strict;
  places_.push_back(place_);
  ++event_count_;
}

void Decoder::pass_tokens(const char* line_end) {
  if (is_by_line_) return;
  while (base_ + *token_ < line_end) ++token_;
}

void Decoder::reject(Reason reason, const char* at, std::string_view line) {
  const auto column = static_cast<uint32_t>(at - line.data()) + 1;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  rejections_.push_back({reason, place_, column, line});
}

bool Decoder::read_envelope(Event& event, const char* begin) {
  const Token type = heads_->at(type_head_);
  const bool is_named = type != nullptr && base_[*type] != 'n';
  if (is_named && base_[*type] == '"') {
    event.type_name = plain_text(type);
  } else if (!is_named) {
    event.type_name = std::string_view(default_type_).substr(0, default_type_.size() - name_padding);
  }
  if (event.type_name.empty()) return fault_ = {Reason::no_type, type == nullptr ? begin : base_ + *type}, false;
  set_type(event, event.type_name);
  if (!read_time(event)) return false;
  read_id(event);
  return true;
}

// What is usual, at known places. False: it is not.
inline bool Decoder::read_envelope(Event& event, const char* line, const Layout& layout) {
  const auto& [type, time, id] = layout.pieces;
  if (type.size == 0 || time.at == 0) return false;
  if (!times_.read(time.of(line), event.ts_us)) return false;
  event.time_us = event.ts_us;
  set_type(event, type.of(line));
  if (id.at != 0) [[likely]] {
    event.id = id.of(line);
  } else {
    read_id(event);
  }
  return true;
}

inline void Decoder::set_type(Event& event, std::string_view name) {
  event.type_name = name;
  const uint32_t number = types_->find(name);
  event.type = number == name_none ? type_unnamed : number;
}

void Decoder::read_id(Event& event) {
  const Token id = heads_->at(id_head_);
  if (id == nullptr) return;
  const char c = base_[*id];
  if (c == '"') {
    event.id = plain_text(id);
  } else if (c == '-' || (c >= '0' && c <= '9')) {
    event.id = scalar(id);
  }
}

bool Decoder::read_time(Event& event) {
  const Token token = heads_->at(time_head_);
  std::optional<int64_t> time;
  if (token == nullptr || base_[*token] == 'n') {
    ++without_time_;
    time = arrival_us_;
  } else if (base_[*token] == '"') {
    if (int64_t us = 0; times_.read(plain_text(token), us)) time = us;
  } else if (const Value value = value_at(token); value.kind == Kind::integer) {
    time = time_of_integer(value.integer);
  } else if (value.kind == Kind::number) {
    time = time_of_number(value.number);
  }
  if (!time) {
    const char c = base_[*token];
    const bool is_number = c == '-' || (c >= '0' && c <= '9');
    return fault_ = {is_number ? Reason::time_range : Reason::bad_time, base_ + *token}, false;
  }
  event.ts_us = event.time_us = *time;
  return true;
}

bool Decoder::breaks_declaration(const Extraction& extraction, const Event& event, Value* row) {
  const bool are_right = std::ranges::all_of(
      extraction.glances, [&](const auto& each) { return is_right(each.second, heads_->at(each.first)); });
  if (are_right && validator_.accepts(event.type, row, true)) [[likely]]
    return false;
  for (const auto& [head, field] : extraction.glanced) {
    if (const Token token = heads_->at(head)) row[field] = value_at(token);
  }
  return !validator_.accepts(event.type, row);
}

bool Decoder::is_right(const Glance& glance, Token token) const {
  if (token == nullptr) return (glance.sorts & Glance::null) != 0;
  switch (base_[*token]) {
    case '"':
      return (glance.sorts & Glance::text) != 0 &&
             (glance.bytes_max == ~0u || text_at(base_, token).size() <= glance.bytes_max);
    case '{':
      return (glance.sorts & Glance::object) != 0;
    case '[':
      return (glance.sorts & Glance::list) != 0;
    case 't':
    case 'f':
      return (glance.sorts & Glance::boolean) != 0;
    case 'n':
      return (glance.sorts & Glance::null) != 0;
    default:
      return (glance.sorts & Glance::number) != 0 &&
             (!glance.is_whole || scalar(token).find_first_of(".eE") == std::string_view::npos);
  }
}

void Decoder::extract(const Extraction& extraction, const Event& event, Value* row) {
  for (const FieldId field : extraction.fields) row[field] = Value::missing();
  for (const auto& [head, node] : extraction.heads) {
    const Token token = heads_->at(head);
    if (token == nullptr) continue;
    if (node.fields.size() == 1 && node.below.empty()) {
      row[node.fields[0]] = value_at(token);
    } else {
      extract_at(node, token, row);
    }
  }
  for (const auto& [field, member] : extraction.members) {
    switch (member) {
      case Member::type:
        row[field] = Value::of_text(event.type_name);
        break;
      case Member::time:
        row[field] = Value::of_time(event.ts_us);
        break;
      case Member::id:
        row[field] = event.id.empty() ? Value::missing() : Value::of_text(event.id);
        break;
    }
  }
}

void Decoder::extract_at(const PathNode& node, Token token, Value* row) {
  if (!node.fields.empty()) {
    const Value value = value_at(token);  // once: there is room for each text once
    for (const FieldId field : node.fields) row[field] = value;
  }
  if (node.below.empty()) return;
  if (base_[*token] == '{') {
    for (++token; base_[*token] != '}';) {
      char* const mark = plain_.mark();
      const std::string_view name = plain_text(token);
      const auto below = std::find_if(node.below.begin(), node.below.end(), [&](const PathNode& child) {
        return child.part.index < 0 && child.part.member == name;
      });
      plain_.release(mark);
      const Token value = token + 2;
      if (below != node.below.end()) extract_at(*below, value, row);
      token = skip(value);
      token += base_[*token] == ',';
    }
  } else if (base_[*token] == '[') {
    int32_t index = 0;
    for (++token; base_[*token] != ']'; ++index) {
      const auto below = std::find_if(node.below.begin(), node.below.end(),
                                      [&](const PathNode& child) { return child.part.index == index; });
      if (below != node.below.end()) extract_at(*below, token, row);
      token = skip(token);
      token += base_[*token] == ',';
    }
  }
}

Token Decoder::skip(Token token) const {
  int depth = 0;
  do {
    const char c = base_[*token++];
    depth += (c == '{' || c == '[') - (c == '}' || c == ']');
  } while (depth > 0);
  return token;
}

std::string_view Decoder::unescaped(std::string_view text) {
  return memchr(text.data(), '\\', text.size()) == nullptr ? text : plain_.add(text);
}

std::string_view Decoder::scalar(Token token) const {
  size_t size = token[1] - *token;
  while (static_cast<uint8_t>(base_[*token + size - 1]) <= ' ') --size;
  return {base_ + *token, size};
}

Value Decoder::other_value_at(Token token) {
  const char* const at = base_ + *token;
  switch (*at) {
    case '{':
      return Value::of_object({at, static_cast<size_t>(base_ + skip(token)[-1] + 1 - at)});
    case '[':
      return Value::of_list({at, static_cast<size_t>(base_ + skip(token)[-1] + 1 - at)});
    case 't':
      return Value::of_bool(true);
    case 'f':
      return Value::of_bool(false);
    case 'n':
      return Value::missing();
    default:
      return json::number_value(scalar(token));
  }
}

}  // namespace omen
