// What fit_many refuses.
#pragma once

#include <span>
#include <string>

#include "nnbind/fit_many.hpp"

namespace nnbind {

/// "fit_many, network 3", for messages.
std::string fit_many_where(std::size_t k);

/// Throws what fit_many does before anything is changed, BusyError apart.
template <class T>
void check(std::span<const FitJob<T>> jobs);

}  // namespace nnbind
