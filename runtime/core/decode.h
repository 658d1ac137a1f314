// Decode: lines of NDJSON -> events, or rejections that say which line is wrong, why and where.
//
//   for each line
//     when it is like a line before in all its sizes: all is where it was there, by comparing the whole (layouts.h)
//     when it fits a stencil made of lines before it: its texts and numbers, by comparing the rest (stencils.h)
//     otherwise simdjson's first stage over this line, or more lines where many fit none: UTF-8, texts, the place of
//     every token; and one walk over its tokens: grammar, numbers, escapes, depth, duplicate members (walk.h) either
//     notes where the heads (members that some rule reads) have their values type, ts and id; then the fields that the
//     program wants of that type, into a row these against the declaration of the type (validate.h): an event that
//     breaks it is marked
//
// The second stage of simdjson is not used: on-demand skips what it is not asked for, and then accepts what is no
// JSON; the DOM builds what nobody reads. The walk sees every token once and costs less than either (bench/).
// One bad text spoils the first stage for all its lines; they are then done one by one, which names the culprit.
//
// INVARIANTS
//   1. A line is accepted when it is one JSON object within the limits, whatever the program reads of it.
//   2. Nothing is read behind the slice's end but its padding, and no byte reaches an assertion.
//   3. Events of next() stay valid until next() is called again, their bytes until open() is.
//
// NOT HERE: the order of the stream, late events, the clock (reorder.h); compressed input and lines without end
// (io/source.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/heads.h"
#include "runtime/core/layouts.h"
#include "runtime/core/stencils.h"
#include "runtime/core/times.h"
#include "runtime/core/validate.h"
#include "runtime/core/walk.h"
#include "runtime/model/event.h"
#include "runtime/model/program.h"
#include "runtime/model/rejection.h"

namespace simdjson::internal {
class dom_parser_implementation;
}

namespace omen {

// What must be readable behind a slice; the first byte of it is zero.
inline constexpr size_t slice_padding = 64;

struct Envelope {
  std::string type_field = "type";
  std::string time_field = "ts";
  std::string id_field = "id";
  std::string type = {};  // of events that name none; empty: they are rejected
};

// Objects that are no events yet: nothing is asked of them but to be objects, and these fields are read of each.
struct PlainObjects {
  std::vector<FieldId> fields;
};

// What the declarations of event types mean to a decoder.
enum class Declared : uint8_t {
  nothing,  // events that the engine makes: fields stand under their own names, and are not held against anything
  types,    // an event of a declared type keeps to its declaration
  strict,   // and any other type breaks it
};

class Decoder {
 public:
  // A batch of next() has at most so many events, or fewer, that they stay in the cache.
  static constexpr size_t batch_events_max = 128;
  explicit Decoder(const Program& program, const Envelope& envelope = {}, Declared declared = Declared::types,
                   size_t batch_events = batch_events_max);
  // The events have no type, time or id, and paths called so are members like others.
  Decoder(const Program& program, const PlainObjects& objects);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Begins a slice: whole lines (the last may lack its end), padded. An event without a time takes `arrival_us`.
  void open(std::string_view lines, LinePlace first, int64_t arrival_us);

  struct Batch {
    std::span<Event> events;
    std::span<const LinePlace> places;  // of the events' lines
    std::span<const Rejection> rejections;
    bool is_empty() const { return events.empty() && rejections.empty(); }
  };
  // The next events of the slice; an empty batch at its end.
  Batch next();

  // Off: every line by the first stage, whatever it is like, without layouts too. It makes no difference but the time.
  void use_stencils(bool is_on) { uses_stencils_ = is_on; }
  // How many bytes are compared at once with layouts (layouts.h); 0: none are used. They begin anew.
  void use_layouts(uint32_t width) { layouts_->use_width(width); }

  const Validator& validator() const { return validator_; }
  LinePlace place() const { return place_; }               // of the line to come
  uint64_t lines() const { return lines_; }                // read so far, blank ones too
  uint64_t fitted() const { return fitted_; }              // of these, lines that fitted a layout or a stencil
  uint64_t found() const { return found_count_; }          // of these, lines that fitted a layout
  uint64_t without_time() const { return without_time_; }  // events that took the time of their arrival

 private:
  // A path below its head: where it leads, and what lies further along it.
  struct PathNode {
    FieldPath::Part part;
    std::vector<FieldId> fields;  // more than one when `from` gives the place a second name
    std::vector<PathNode> below;
  };
  enum class Member : uint8_t { type, time, id };
  // What is extracted of one type.
  struct Extraction {
    bool is_declared = false;     // and held against its declaration
    std::vector<FieldId> fields;  // all of them: missing at first
    std::vector<std::pair<HeadId, PathNode>> heads;
    std::vector<std::pair<FieldId, Member>> members;  // `type`, `ts`, `id` read as fields
    // Declared members that no rule reads: made to values only when a glance is not enough.
    std::vector<std::pair<HeadId, Glance>> glances;
    std::vector<std::pair<HeadId, FieldId>> glanced;
  };
  void plan(const TypeInfo& type);
  void prepare();

  void find_tokens(const char* line);
  bool run_stage_one(std::string_view text);
  bool take_found();
  void learn_layout(const char* line, const char* line_end);
  void decode_line(const char* line, const char* line_end);
  void finish_event(std::string_view line, std::string_view object, const Layout* layout = nullptr);
  void pass_tokens(const char* line_end);
  void reject(Reason reason, const char* at, std::string_view line);

  // From the members of the line that was walked. False: a rejection's reason and place are in fault_.
  bool read_envelope(Event& event, const char* begin);
  bool read_envelope(Event& event, const char* line, const Layout& layout);
  void set_type(Event& event, std::string_view name);
  bool read_time(Event& event);
  void read_id(Event& event);
  bool breaks_declaration(const Extraction& extraction, const Event& event, Value* row);
  bool is_right(const Glance& glance, Token token) const;
  void extract(const Extraction& extraction, const Event& event, Value* row);
  void extract_at(const PathNode& node, Token token, Value* row);
  Token skip(Token token) const;  // the token behind the value
  std::string_view plain_text(Token token) {
    const std::string_view text = text_at(base_, token);
    return next_escape_ >= text.data() + text.size() ? text : unescaped(text);
  }
  std::string_view unescaped(std::string_view text);
  std::string_view scalar(Token token) const;
  Value value_at(Token token) {
    return base_[*token] == '"' ? Value::of_text(plain_text(token)) : other_value_at(token);
  }
  Value other_value_at(Token token);  // that is no text

  const Program& program_;
  size_t batch_max_ = batch_events_max;
  const bool are_events_;
  const Declared declared_;
  const Validator validator_;
  const std::string default_type_;  // padded, as names to look up are
  std::vector<std::string> head_names_;
  HeadId type_head_, time_head_, id_head_;
  std::vector<Extraction> extractions_;  // by TypeId
  std::optional<Names> types_;
  std::optional<Heads> heads_;
  std::optional<Layouts> layouts_;
  std::optional<Stencils> stencils_;
  std::optional<Walk> walk_;

  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_one_;
  size_t capacity_ = 0;
  PlainTexts plain_;
  std::string_view slice_;
  LinePlace place_;  // of the line at cursor_
  int64_t arrival_us_ = 0;
  const char* cursor_ = nullptr;  // where the next line begins
  bool uses_stencils_ = true;
  uint32_t fits_ = 0;                 // lines in sequence that did, at most fits_max
  uint32_t to_learn_ = 0;             // of so many lines to come stencils are made
  const char* tokens_end_ = nullptr;  // up to here the first stage was run
  size_t tokens_bytes_ = 1;           // at least so many at once
  bool is_by_line_ = false;           // it failed, and is run for each line
  const char* base_ = nullptr;        // what tokens count from: the slice, the line, or where the first stage was begun
  Token token_ = nullptr;             // the next of the first stage
  const char* next_escape_ = nullptr;  // the first backslash from the line on, or one further on, or tokens_end_
  std::pair<Reason, const char*> fault_;
  Times times_;

  std::vector<FoundLine> found_;  // lines that fit layouts
  size_t row_size_ = 0;           // fields of the program
  std::vector<Value> rows_;       // batch_max_ rows
  std::vector<Event> events_;     // batch_max_
  size_t event_count_ = 0;        // of the batch
  std::vector<LinePlace> places_;
  std::vector<Rejection> rejections_;
  uint64_t lines_ = 0;
  uint64_t fitted_ = 0;
  uint64_t found_count_ = 0;
  uint64_t without_time_ = 0;
};

}  // namespace omen
