// Reads: which of a run's events a name means, in particular inside the repetitions of a group loop.

#include "runtime/core/read.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "runtime/core/write.h"

namespace omen {
namespace {

constexpr uint64_t slot_a = 1, slot_b = 2;
constexpr uint16_t opens_outer = 1, opens_inner = 2;

class Scene {
 public:
  Scene() : program_(make()), prepared_(program_), captures_(program_) {}
  ~Scene() { captures_.release(bindings_); }

  void take(uint8_t slot, uint16_t opens, int64_t value) {
    const std::array<Value, 1> fields = {Value::of_integer(value)};
    Event event;
    event.type = 1;
    event.type_name = "t";
    event.raw = "{}";
    event.fields = fields.data();
    KeptEvent* const kept = captures_.keep(event);
    bindings_ = captures_.add(bindings_, kept, slot, opens, captures_.count(bindings_, slot) + 1);
    captures_.release(kept);
  }

  Evaluation evaluation() {
    Evaluation out{program_, prepared_, scratch_, captures_};
    out.bindings = bindings_;
    out.opening = opening_;
    return out;
  }

  std::string read(Read::Select select, uint64_t slots, int32_t repetition, Read::What what = Read::What::field,
                   int32_t index = 0) {
    Read read;
    read.slots = slots;
    read.what = what;
    read.select = select;
    read.index = index;
    read.repetition = repetition;
    std::string out;
    append_json(out, read_bound(read, evaluation()));
    return out;
  }
  std::string all(uint64_t slots, int32_t repetition) { return read(Read::Select::all, slots, repetition); }
  std::string count(uint64_t slots, int32_t repetition) {
    return read(Read::Select::count, slots, repetition, Read::What::event);
  }

  uint16_t opening_ = 0;

 private:
  static Program make() {
    Program program;
    program.types = {{"", {}, {}}, {"t", {0}, {0}}};
    program.fields.push_back({{{"v", -1}}, "v"});
    return program;
  }

  Program program_;
  Prepared prepared_;
  Scratch scratch_;
  CaptureStore captures_;
  CaptureId bindings_ = capture_none;
};

TEST_CASE("read: nothing is bound") {
  Scene scene;
  CHECK(scene.all(slot_a, -1) == "[]");
  CHECK(scene.count(slot_a, -1) == "0");
  CHECK(scene.read(Read::Select::sum, slot_a, -1) == "0");
  for (const Read::Select select : {Read::Select::only, Read::Select::first, Read::Select::last, Read::Select::index,
                                    Read::Select::avg, Read::Select::min, Read::Select::max}) {
    CHECK(scene.read(select, slot_a, -1) == "null");
  }
}

TEST_CASE("read: a name of several steps means all their events") {
  Scene scene;
  scene.take(0, 0, 1);
  scene.take(1, 0, 2);
  scene.take(0, 0, 3);
  CHECK(scene.all(slot_a, -1) == "[1,3]");
  CHECK(scene.all(slot_b, -1) == "[2]");
  CHECK(scene.all(slot_a | slot_b, -1) == "[1,2,3]");
  CHECK(scene.count(slot_a, -1) == "2");
  CHECK(scene.count(slot_a | slot_b, -1) == "3");
  CHECK(scene.read(Read::Select::first, slot_a | slot_b, -1) == "1");
  CHECK(scene.read(Read::Select::last, slot_a | slot_b, -1) == "3");
  for (const auto& [index, value] :
       {std::pair(0, "1"), std::pair(1, "2"), std::pair(2, "3"), std::pair(3, "null"), std::pair(-1, "null")}) {
    CHECK(scene.read(Read::Select::index, slot_a | slot_b, -1, Read::What::field, index) == value);
  }
  CHECK(scene.all(4, -1) == "[]");
}

TEST_CASE("read: inside a group a name means the present repetition") {
  Scene scene;  // (a -> (b){2}){2}: the outer loop is bit 0, the inner one bit 1
  scene.take(0, opens_outer, 1);
  scene.take(1, opens_inner, 2);
  scene.take(1, opens_inner, 3);
  CHECK(scene.all(slot_b, 0) == "[2,3]");
  CHECK(scene.all(slot_b, 1) == "[3]");
  scene.take(0, opens_outer, 4);
  CHECK(scene.all(slot_a, 0) == "[4]");
  CHECK(scene.all(slot_a, -1) == "[1,4]");
  CHECK(scene.all(slot_b, 0) == "[]");
  CHECK(scene.all(slot_b, -1) == "[2,3]");
  scene.take(1, opens_inner, 5);
  CHECK(scene.all(slot_a | slot_b, 0) == "[4,5]");
  CHECK(scene.count(slot_b, 0) == "1");
  CHECK(scene.count(slot_b, -1) == "3");
  CHECK(scene.read(Read::Select::first, slot_b, 0) == "5");
  CHECK(scene.read(Read::Select::only, slot_a, 0) == "4");
  CHECK(scene.read(Read::Select::index, slot_b, 0, Read::What::field, 1) == "null");
  CHECK(scene.read(Read::Select::sum, slot_a | slot_b, 0) == "9");
}

TEST_CASE("read: the candidate that opens a repetition finds nothing bound in it") {
  Scene scene;
  scene.take(0, opens_outer, 1);
  scene.take(1, opens_inner, 2);
  scene.opening_ = opens_inner;
  CHECK(scene.all(slot_b, 1) == "[]");
  CHECK(scene.count(slot_b, 1) == "0");
  CHECK(scene.all(slot_b, 0) == "[2]");
  CHECK(scene.read(Read::Select::only, slot_a, 0) == "1");
  scene.opening_ = opens_inner | opens_outer;
  CHECK(scene.read(Read::Select::only, slot_a, 0) == "null");
  CHECK(scene.all(slot_a, -1) == "[1]");
}

TEST_CASE("read: ten thousand events") {
  Scene scene;
  for (int64_t i = 1; i <= 10'000; ++i) scene.take(0, 0, i % 100);
  CHECK(scene.count(slot_a, -1) == "10000");
  CHECK(scene.read(Read::Select::sum, slot_a, -1) == "495000");
  CHECK(scene.read(Read::Select::distinct, slot_a, -1) == "100");
  CHECK(scene.read(Read::Select::avg, slot_a, -1) == "49.5");
}

}  // namespace
}  // namespace omen
