// Captures: the events that runs have taken, kept until no run and no match needs them.
//
// An event is copied once, when the first run takes it: its bytes, and the fields that later conditions and texts
// read (TypeInfo::kept). Runs hold lists of captures that grow at the head, so threads that part share their past.
// Both are counted references and live in pools: nothing is allocated when warm.
//
// NOT HERE: what is captured and when (matcher), what is computed from it (evaluate).
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/core/pool.h"
#include "runtime/model/event.h"
#include "runtime/model/program.h"
#include "runtime/model/value.h"

namespace omen {

// An event that outlived its batch: this header, then
//
//   extras    what few events have, 8 bytes each: where its id stands, where its type's name stands, `ts` and place
//   fields    values, in the order of TypeInfo::kept
//   texts     those of fields, id and name that do not stand in the event's own bytes
//   raw       its bytes
//
// Ten million keys hold as many of these, so nothing is in here twice.
struct KeptEvent {
  int64_t time_us;
  uint64_t sequence : 58;
  uint64_t is_derived : 1;
  uint64_t has_id : 1;
  uint64_t has_name : 1;    // of a type that no rule names
  uint64_t has_origin : 1;  // its `ts` is not `time_us`, or its place not its sequence
  TypeId type;
  uint32_t references;
  uint32_t bytes;  // of the whole block
  uint32_t raw_size;

  struct Text {
    uint32_t offset, size;  // from the start of the block
  };
  struct Origin {
    int64_t ts_us;
    uint64_t place;
  };
  const Value* fields() const { return reinterpret_cast<const Value*>(extras() + extra_count()); }
  std::string_view raw() const { return {begin() + (bytes - raw_size), raw_size}; }
  // Empty when it has none.
  std::string_view id() const { return has_id != 0 ? text(0) : std::string_view(); }
  // Of an event with has_name; of others the program knows it (CaptureStore::type_name).
  std::string_view own_type_name() const { return text(has_id); }
  int64_t ts_us() const { return has_origin != 0 ? origin().ts_us : time_us; }
  // In the stream, derived events not counted: what it is known by when it has no id.
  uint64_t place() const { return has_origin != 0 ? origin().place : sequence; }

  const char* begin() const { return reinterpret_cast<const char*>(this); }
  const Text* extras() const { return reinterpret_cast<const Text*>(this + 1); }
  uint32_t extra_count() const { return static_cast<uint32_t>(has_id + has_name + 2 * has_origin); }
  const Origin& origin() const { return *reinterpret_cast<const Origin*>(extras() + has_id + has_name); }
  std::string_view text(uint64_t at) const { return {begin() + extras()[at].offset, extras()[at].size}; }
};
static_assert(sizeof(KeptEvent) == 32 && sizeof(KeptEvent::Text) == 8 && sizeof(KeptEvent::Origin) == 16);

using CaptureId = uint32_t;
inline constexpr CaptureId capture_none = UINT32_MAX;

// One taken event of a run; the list goes from the newest to the first.
struct Capture {
  KeptEvent* event;
  CaptureId previous;
  uint32_t references;
  uint32_t count;  // how many of this slot the list holds up to here, this one included
  uint16_t opens;  // group loops (bit each) of which this event began a repetition
  uint8_t slot;
};
static_assert(sizeof(Capture) == 24);

class CaptureStore {
 public:
  explicit CaptureStore(const Program& program) : program_(program) {}
  CaptureStore(const CaptureStore&) = delete;
  CaptureStore& operator=(const CaptureStore&) = delete;
  ~CaptureStore();

  const Capture& at(CaptureId id) const { return *static_cast<const Capture*>(words_.at(id)); }
  // The position of a field among the kept ones of a type, or -1.
  int32_t kept_index(TypeId type, FieldId field) const;

  std::string_view type_name(const KeptEvent& event) const {
    return event.has_name != 0 ? event.own_type_name() : program_.types[event.type].name;
  }

  // Copies an event; the caller holds the one reference.
  KeptEvent* keep(const Event& event);
  // Likewise of one that is kept elsewhere.
  KeptEvent* keep(const KeptEvent& event);
  // Likewise where the caller has memory for it: so many bytes as bytes_of() says.
  size_t bytes_of(const Event& event) const;
  KeptEvent* make(std::byte* memory, const Event& event, size_t bytes) const;
  void release(KeptEvent* event);
  // One reference more.
  KeptEvent* share(KeptEvent* event) {
    ++event->references;
    return event;
  }

  // A list one longer: takes over the caller's reference to `previous`, shares `event`.
  CaptureId add(CaptureId previous, KeptEvent* event, uint8_t slot, uint16_t opens, uint32_t count);
  // Events of `slot` in the list.
  uint32_t count(CaptureId head, uint8_t slot) const;
  void retain(CaptureId head) {
    if (head != capture_none) ++mutable_at(head).references;
  }
  void release(CaptureId head);
  // Of any id: a hint may be of something that is no more.
  void prefetch(CaptureId head) const {
    if (words_.has(head, 1)) __builtin_prefetch(&at(head), 1);
  }

  uint64_t bytes() const { return words_.bytes() + blocks_.bytes(); }

 private:
  Capture& mutable_at(CaptureId id) { return *static_cast<Capture*>(words_.at(id)); }

  const Program& program_;
  WordPool words_;
  BytePool blocks_;
};

}  // namespace omen
