// InputList: the inputs of a run one after the other, as slices. One that cannot be opened, or breaks off, is an error
// to be told at the end; the inputs after it are still read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/input/format.h"
#include "runtime/io/input.h"
#include "runtime/model/program.h"

namespace omen {

// How an input was read.
struct InputReport {
  std::string name, format;
  bool is_sniffed = false;
};

class InputList {
 public:
  InputList(const Program& program, std::vector<std::string> paths, const Format& format, const Envelope& envelope)
      : program_(program), paths_(std::move(paths)), format_(format), envelope_(envelope) {}

  // False at the end of the last one.
  bool next(Input::Slice& slice);
  // Of the newest slice; for as long as somebody has it.
  const std::shared_ptr<Input>& input() const { return input_; }
  size_t number() const { return opened_; }  // of it, from 1
  // No more is read.
  void close();

  const std::vector<InputReport>& reports() const { return reports_; }
  const std::vector<std::string>& errors() const { return errors_; }

 private:
  const Program& program_;
  const std::vector<std::string> paths_;
  const Format format_;
  const Envelope envelope_;
  size_t opened_ = 0;
  std::shared_ptr<Input> input_;
  std::vector<InputReport> reports_;
  std::vector<std::string> errors_;
};

}  // namespace omen
