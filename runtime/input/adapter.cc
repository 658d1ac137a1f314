#include "runtime/input/adapter.h"

#include "runtime/input/envelopes.h"

namespace omen {

namespace {

PlainObjects objects_of(const Program& program, const Format& format) {
  return format.dialect == Dialect::mapping ? PlainObjects{program.mappings[format.mapping].fields} : PlainObjects{};
}

}  // namespace

Adapter::Adapter(const Program& program, const Format& format)
    : dialect_(*format.dialect), records_(program, objects_of(program, format)) {
  if (dialect_ == Dialect::mapping) mapping_.emplace(program, program.mappings[format.mapping]);
}

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
      const Event& record = batch.events[i];
      write(record, origins.empty() ? Origin{batch.places[i], record.raw} : origins[batch.places[i].line], out);
    }
  }
}

void Adapter::write(const Event& record, const Origin& origin, Records& out) {
  switch (dialect_) {
    case Dialect::omen:
      break;
    case Dialect::cloudevents:
      return write_cloudevent(record.raw, origin, out);
    case Dialect::segment:
      return write_segment(record.raw, origin, out);
    case Dialect::ga4:
      return write_ga4(record.raw, origin, out);
    case Dialect::pubsub:
      return write_pubsub(record.raw, origin, out);
    case Dialect::sns:
      return write_sns(record.raw, origin, out);
    case Dialect::eventbridge:
      return write_eventbridge(record.raw, origin, out);
    case Dialect::ga4_collect:
      return write_ga4_collect(record.raw, origin, out);
    case Dialect::mapping:
      return mapping_->write(record, origin, out);
  }
}

}  // namespace omen
