#include "runtime/io/input_list.h"

#include "runtime/io/stop.h"

namespace omen {

bool InputList::next(Input::Slice& slice) {
  for (;;) {
    if (input_ == nullptr) {
      if (opened_ == paths_.size()) return false;
      auto input = Input::open(paths_[opened_++], format_, program_, envelope_);
      if (!input) {
        errors_.push_back(input.message());
        continue;
      }
      input_ = std::move(input.value());
    }
    if (input_->next(slice)) return true;
    close();
    if (stop_signal() != 0) return false;
  }
}

void InputList::close() {
  if (input_ == nullptr) return;
  if (input_->format()) {
    reports_.push_back({input_->name(), name_of(*input_->format(), program_), input_->is_sniffed()});
  }
  if (!input_->status()) errors_.push_back(input_->status().message());
  input_.reset();
}

}  // namespace omen
