#include "runtime/core/derive.h"

#include "runtime/core/json.h"
#include "runtime/model/status.h"
#include "runtime/model/time.h"

namespace omen {

const Event* Derive::make(std::string_view type, int64_t time_us, std::string_view id, std::string_view object) {
  OMEN_ASSERT(object.size() >= 2 && object.front() == '{' && object.back() == '}');
  line_ = R"({"type":)";
  json::append_string(line_, type);
  line_ += R"(,"ts":")";
  append_rfc3339(line_, time_us);
  line_ += R"(","id":)";
  json::append_string(line_, id);
  if (object.size() > 2) line_ += ',';
  line_ += object.substr(1);
  const size_t size = line_.size();
  line_.append(slice_padding, '\0');
  decoder_.open(std::string_view(line_).substr(0, size), {}, time_us);
  const Decoder::Batch batch = decoder_.next();
  if (batch.events.empty()) return nullptr;
  event_ = batch.events[0];
  event_.is_derived = true;
  return &event_;
}

}  // namespace omen
