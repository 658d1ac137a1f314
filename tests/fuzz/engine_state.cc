// Bytes that are said to be the state of an engine: refused, or an engine that can go on.
//
// The first byte says how far a stream has come whose state is saved; the others change what was saved, so that what
// is tried is nearly right and suits every version of the format: (two bytes where, one how, one what). With 255 in
// front the rest is the state as it is; with 254 that of a stream's order.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/compile.h"
#include "runtime/core/reorder.h"
#include "runtime/model/status.h"
#include "tests/support/resumed.h"
#include "tests/support/state_rules.h"

namespace {

using namespace omen;

constexpr StreamOrder order{.lateness_us = 2'000'000, .max_ahead_us = {}, .dedupe_us = 5'000'000};

Program compile_rules() {
  Sources sources;
  sources.files.push_back({"state.omen", std::string(state_rules)});
  OptimizeOptions options;
  options.share_starts_from = 1;  // so that there is a list of each kind
  return *compile(sources, options).program;
}

void offer(Reorder& reorder, Decoder& decoder, std::string line) {
  const size_t size = line.size();
  line.append(slice_padding, '\0');
  decoder.open(std::string_view(line).substr(0, size), {}, 0);
  for (Decoder::Batch batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
    for (Event& event : batch.events) {
      (void)reorder.offer(event);
      Reorder::Taken taken;
      while (reorder.due(taken) != nullptr) taken.clear();
    }
  }
}

void edit(std::string& bytes, const uint8_t* data, size_t size) {
  for (; size >= 4 && !bytes.empty(); data += 4, size -= 4) {
    const size_t at = (data[0] << 8 | data[1]) % bytes.size();
    const auto what = static_cast<char>(data[3]);
    switch (data[2] % 4) {
      case 0:
        bytes[at] = what;
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] + what);
        break;
      case 2:
        bytes.insert(at, 1, what);
        break;
      default:
        bytes.erase(at, 1 + data[3] % 8);
    }
  }
}

void try_engine(const Program& program, const std::vector<std::string>& stream, const std::string& bytes, size_t from) {
  Resumed run(program);
  if (!run.resume(program, bytes)) return;
  for (size_t i = from; i < from + 10 && i < stream.size(); ++i) run.feed(stream[i]);
  run.advance(1'700'000'900'000'000);
  OMEN_ASSERT(!run.saved().empty());
}

void try_order(const Program& program, const std::vector<std::string>& stream, const std::string& bytes, size_t from) {
  Decoder decoder(program);
  Reorder reorder(program, order);
  if (!reorder.load(bytes, decoder)) return;
  for (size_t i = from; i < from + 10 && i < stream.size(); ++i) offer(reorder, decoder, stream[i]);
  Reorder::Taken taken;
  while (reorder.rest(taken) != nullptr) taken.clear();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Program program = compile_rules();
  static const std::vector<std::string> stream = state_stream(3, 260);
  if (size == 0) return 0;
  const size_t events = data[0];
  if (events >= 254) {
    const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    events == 255 ? try_engine(program, stream, bytes, 0) : try_order(program, stream, bytes, 0);
    return 0;
  }
  Resumed run(program);
  Decoder decoder(program);
  Reorder reorder(program, order);
  for (size_t i = 0; i < events; ++i) {
    run.feed(stream[i]);
    offer(reorder, decoder, stream[i]);
  }
  std::string state = run.saved(), held;
  reorder.save(held);
  edit(state, data + 1, size - 1);
  edit(held, data + 1, size - 1);
  try_engine(program, stream, state, events);
  try_order(program, stream, held, events);
  return 0;
}
