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

// An event that outlived its batch. Its fields (in the order of TypeInfo::kept), texts and bytes follow in memory.
struct KeptEvent {
  int64_t time_us;
  int64_t ts_us;
  uint64_t sequence;
  uint64_t place;  // in the stream, derived events not counted: what it is known by when it has no id
  TypeId type;
  uint32_t references;
  uint32_t bytes;  // of the whole block
  uint32_t raw_size;
  uint32_t raw_offset : 31;  // from the start of this struct
  uint32_t is_derived : 1;
  uint32_t id_offset;
  uint32_t id_size;
  uint32_t type_name_size;  // the name stands right behind the id
  const Value* fields() const { return reinterpret_cast<const Value*>(this + 1); }
  std::string_view raw() const { return {reinterpret_cast<const char*>(this) + raw_offset, raw_size}; }
  std::string_view id() const { return {reinterpret_cast<const char*>(this) + id_offset, id_size}; }
  std::string_view type_name() const {
    return {reinterpret_cast<const char*>(this) + id_offset + id_size, type_name_size};
  }
};
static_assert(sizeof(KeptEvent) % alignof(Value) == 0);

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

  // Copies an event; the caller holds the one reference.
  KeptEvent* keep(const Event& event);
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

  uint64_t bytes() const { return words_.bytes() + blocks_.bytes(); }

 private:
  Capture& mutable_at(CaptureId id) { return *static_cast<Capture*>(words_.at(id)); }

  const Program& program_;
  WordPool words_;
  BytePool blocks_;
};

}  // namespace omen
