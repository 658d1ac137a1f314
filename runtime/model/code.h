// Code: compiled expressions, predicates and templates of a program.
//
// An expression is a short run of instructions for a stack machine (core/evaluate). A predicate is a condition of a
// step: either of a fixed simple kind (field, operator, constant), tested without the machine, or an expression that
// must yield true. Equal predicates have one id, so that an event is tested against each at most once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/model/value.h"

namespace omen {

using FieldId = uint32_t;
using CodeId = uint32_t;
using PredicateId = uint32_t;
using TemplateId = uint32_t;
inline constexpr CodeId code_none = UINT32_MAX;
inline constexpr PredicateId predicate_none = UINT32_MAX;

struct CodeSection {};

}  // namespace omen
