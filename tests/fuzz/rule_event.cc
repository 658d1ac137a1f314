// Rules and streams that a fuzzer chooses, through machine and reference interpreter: equal alerts, or a finding.
//
// The bytes are the generator's choices, so that every input is a rule of the language and a stream for it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/support/generator.h"
#include "tests/support/machine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace omen::reference;
  Choices choices(bytes, size);
  const Case one = make_case(choices);
  const Comparison result = compare(one, {});
  if (result.verdict == Comparison::Verdict::different) {
    std::fprintf(stderr, "%s%s", one.print().c_str(), result.detail.c_str());
    std::abort();
  }
  return 0;
}
