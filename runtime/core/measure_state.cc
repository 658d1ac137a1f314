// What a measure rule remembers of a key, as bytes (state_writer.h).
#include "runtime/core/measure.h"
#include "runtime/core/state_reader.h"
#include "runtime/core/state_writer.h"

namespace omen {

void MeasureMachine::save(StateWriter& out, const RuleState& state) const {
  const Key& key = key_of(state);
  out.byte(static_cast<uint8_t>((key.is_known ? 1 : 0) | (key.is_complete ? 2 : 0) | (key.is_raised ? 4 : 0)));
  out.number(key.known_since);
  out.number(key.route);
  for (int64_t time_us : {key.true_since_us, key.evaluated_us, key.soon_us, key.late_us}) out.time(time_us);
  windows_[state.rule]->save(out, key.windows());
}

void MeasureMachine::load(StateReader& in, RuleState& state) {
  Key& key = key_of(state);
  const uint64_t flags = in.number_up_to(7);
  key.is_known = (flags & 1) != 0;
  key.is_complete = (flags & 2) != 0;
  key.is_raised = (flags & 4) != 0;
  key.known_since = in.number();
  key.route = static_cast<uint8_t>(in.number_up_to(31));
  for (int64_t* time_us : {&key.true_since_us, &key.evaluated_us, &key.soon_us, &key.late_us}) {
    *time_us = in.time_or(never);
  }
  windows_[state.rule]->load(in, key.windows());
}

}  // namespace omen
