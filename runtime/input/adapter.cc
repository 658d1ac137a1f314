#include "runtime/input/adapter.h"

#include "runtime/input/envelopes.h"

namespace omen {

Adapter::Adapter(const Program& program, const Format& format)
    : dialect_(*format.dialect), records_(program, PlainObjects{}) {}

void Adapter::read(std::string_view lines, LinePlace first, std::span<const Origin> origins, Records& out) {
  records_.open(lines, origins.empty() ? first : LinePlace{}, 0);
  for (auto batch = records_.next(); !batch.is_empty(); batch = records_.next()) {
    for (Rejection rejection : batch.rejections) {
      if (!origins.empty()) {
        const Origin& origin = origins[rejection.place.line];
        rejection.place = origin.place;
        rejection.bytes = origin.bytes;
      }
      out.rejections.push_back(rejection);
    }
    for (size_t i = 0; i < batch.events.size(); ++i) {
      const std::string_view object = batch.events[i].raw;
      write(object, origins.empty() ? Origin{batch.places[i], object} : origins[batch.places[i].line], out);
    }
  }
}

void Adapter::write(std::string_view object, const Origin& origin, Records& out) {
  switch (dialect_) {
    case Dialect::omen:
      break;
    case Dialect::cloudevents:
      return write_cloudevent(object, origin, out);
    case Dialect::segment:
      return write_segment(object, origin, out);
    case Dialect::ga4:
      return write_ga4(object, origin, out);
  }
}

}  // namespace omen
