// Memory that is asked for ahead: chunks stand in it, return to it, and find it zero again.
#include "runtime/core/reserve.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "runtime/core/chunk.h"

namespace omen {
namespace {

constexpr size_t page = Reserve::page_bytes;

bool is_zero(const std::byte* data, size_t bytes) {
  return std::all_of(data, data + bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

TEST_CASE("reserve: pieces are whole, aligned and zero, also those that have been used, and end when it is empty") {
  Reserve reserve;
  CHECK(reserve.take(page) == nullptr);
  std::vector<uint64_t> touched;
  REQUIRE(reserve.fill(64 * page - 1, [&](uint64_t bytes) { touched.push_back(bytes); }));
  CHECK(touched == std::vector<uint64_t>{32 * page, 64 * page});
  CHECK(reserve.free_bytes() == 64 * page);
  std::byte* const table = reserve.take(62 * page);
  REQUIRE(table != nullptr);
  CHECK(reinterpret_cast<size_t>(table) % page == 0);
  CHECK(is_zero(table, 62 * page));
  std::byte* const piece = reserve.take(page);
  REQUIRE(piece != nullptr);
  CHECK(piece != table);
  std::fill(piece, piece + page, std::byte{7});
  reserve.give(piece, page);
  CHECK(reserve.free_bytes() == 2 * page);
  std::byte* const again = reserve.take(page);
  CHECK(again == piece);
  CHECK(is_zero(again, page));
  CHECK(reserve.take(2 * page) == nullptr);  // one page is left
  CHECK(reserve.take(page) != nullptr);
  CHECK(reserve.take(page) == nullptr);
  reserve.give(table, 62 * page);
  CHECK(reserve.free_bytes() == 62 * page);
  CHECK(reserve.take(page) != nullptr);
}

TEST_CASE("reserve: more than the machine has is refused, and says so") {
  Reserve reserve;
  const Status filled = reserve.fill(std::numeric_limits<uint64_t>::max() / 4);
  REQUIRE_FALSE(filled);
  CHECK(filled.message().find("the machine has") != std::string::npos);
  CHECK(reserve.take(page) == nullptr);
}

// The one of the process stays as it is in all other tests of this program: nothing but speed depends on it.
TEST_CASE("reserve: large chunks of the process come from it while there is any, and return to it") {
  Reserve& reserve = Reserve::of_process();
  REQUIRE(reserve.fill(3 * page));
  {
    Chunk first(page), second(2 * page), third(page);
    CHECK(reserve.free_bytes() == 0);
    CHECK(is_zero(third.data(), page));  // of the system
    Chunk small_pages(page, Chunk::Pages::small);
    CHECK(reserve.free_bytes() == 0);
    second = Chunk(page);
    CHECK(reserve.free_bytes() == 2 * page);
    const Chunk moved = std::move(first);
    CHECK(reserve.free_bytes() == 2 * page);
    CHECK(is_zero(moved.data(), page));
  }
  CHECK(reserve.free_bytes() == 3 * page);
}

}  // namespace
}  // namespace omen
