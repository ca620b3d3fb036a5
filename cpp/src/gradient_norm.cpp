#include "gradient_norm.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/penalty.hpp"

namespace nnbind {

template <class T>
void GradientNorm<T>::add(NodeId id, const Block& block, const Panels<const T>& gradient) {
  squares_.set(id, block, [&](Range rows, Range cols) {
    return kernels::sum_of_squares<T>(gradient.view(cols.begin, cols.size()).middle_rows(rows));
  });
}

template <class T>
double GradientNorm<T>::scale(double clip_norm) const {
  return std::min(1.0, clip_norm / std::sqrt(squares_.total()));
}

template class GradientNorm<float>;
template class GradientNorm<double>;

}  // namespace nnbind
