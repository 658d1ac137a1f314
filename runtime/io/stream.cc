#include "runtime/io/stream.h"

namespace omen {

bool Stream::judge(Reorder::Verdict verdict, const Event& event, LinePlace place, const Input& input) {
  switch (verdict) {
    case Reorder::Verdict::next:
    case Reorder::Verdict::held:
      if (event.is_broken) [[unlikely]]
        note_broken(event, place, input);
      break;
    case Reorder::Verdict::late:
      quarantine_.add(input.original({Reason::late, place, 1, event.raw}), input.name());
      break;
    case Reorder::Verdict::ahead:
      quarantine_.add(input.original({Reason::ahead, place, 1, event.raw}), input.name());
      break;
    case Reorder::Verdict::duplicate:
      break;
  }
  return verdict == Reorder::Verdict::next;
}

void Stream::reject_before(Batch& batch, uint64_t line) {
  const std::span<const Rejection> rejections = batch.decoded.rejections;
  for (; batch.rejection < rejections.size() && rejections[batch.rejection].place.line < line; ++batch.rejection) {
    Rejection rejection = rejections[batch.rejection];
    rejection.place.line += batch.first_line;
    quarantine_.add(batch.input->original(rejection), batch.input->name());
  }
}

void Stream::note_broken(const Event& event, LinePlace place, const Input& input) {
  violations_.clear();
  validator_.list(event, violations_);
  health_.add(event, violations_);
  const Reason reason = !validator_.is_declared(event.type) ? Reason::undeclared_type
                        : validator_.is_lenient(event.type) ? Reason::let_through
                                                            : Reason::schema_violation;
  quarantine_.add(input.original({reason, place, 1, event.raw}), input.name(), violations_);
}

}  // namespace omen
