#include "sample_run.hpp"

#include <algorithm>

#include "batch_run.hpp"

namespace nnbind {

template <class T>
LossGradients<T>::LossGradients(const Network<T>& network, const Dataset<T>& data,
                                const Losses& losses, bool reduced, Index capacity)
    : weights_(data.weights) {
  const std::vector<bool> taken = pre_activations(network, losses);
  const auto rows = static_cast<std::size_t>(capacity);
  for (std::size_t k = 0; k < losses.terms.size(); ++k) {
    const auto& [loss, weight] = losses.terms[k];
    const double scale = weight * (reduced ? loss->scale(data.size()) : 1);
    outputs_.push_back({data.targets[k], loss, static_cast<T>(scale), taken[k],
                        std::vector<const T*>(rows), AlignedVector<T>(rows)});
  }
}

template <class T>
void LossGradients<T>::write(Workspace<T>& workspace, Range rows, Index first) {
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    Output& output = outputs_[k];
    const Index sample = first + rows.begin;
    LossRows<T> part;
    part.predictions = workspace.output(k).middle_rows(rows);
    if (output.targets.labels == nullptr) {
      const T** targets = output.target_rows.data() + rows.begin;
      for (Index i = 0; i < rows.size(); ++i) targets[i] = output.targets.values.row(sample + i);
      part.targets = targets;
    } else {
      part.labels = output.targets.labels + sample;
    }
    part.weights = weights_ == nullptr ? nullptr : weights_ + sample;
    part.scale = output.scale;
    part.losses = output.losses.data() + rows.begin;
    part.gradient = workspace.output_gradient(k).middle_rows(rows);
    output.loss->evaluate(part, output.pre_activation);
  }
}

template <class T>
int SampleRun<T>::members(const Network<T>& network, Index samples, const Layout& layout,
                          Index copies, bool alone) {
  if (alone) return 1;
  double work = network.work() * static_cast<double>(1 + copies);
  if (layout.parameter_gradients) {
    work += static_cast<double>(network.parameter_count() * copies);
  }
  return network.threads(2 * work * static_cast<double>(samples));
}

template <class T>
Index SampleRun<T>::piece_samples(Index samples, Index copies, int members) {
  return std::clamp<Index>(rows_at_a_time * members / copies, 1, samples);
}

template <class T>
SampleRun<T>::SampleRun(const Network<T>& network, Inputs inputs, Layout layout, Index copies,
                        bool alone)
    : network_(&network),
      inputs_(inputs),
      copies_(copies),
      members_(members(network, inputs[0].rows, layout, copies, alone)),
      piece_samples_(piece_samples(inputs[0].rows, copies, members_)),
      workspace_(network, [&] {
        layout.capacity = piece_samples_ * copies;
        layout.purpose = Purpose::step;
        layout.members = members_;
        return layout;
      }()) {}

template <class T>
void SampleRun<T>::run(const std::function<void(Range, const Piece&)>& seed,
                       const std::function<void(const Member&, const Piece&)>& take) {
  run_team(members_, [&](const Member& member) {
    for (Index first = 0; first < inputs_[0].rows; first += piece_samples_) {
      const Piece piece{first, std::min(piece_samples_, inputs_[0].rows - first), copies_};
      member.barrier();  // the last piece's rows were shared out otherwise
      run_piece(member, piece, seed);
      member.barrier();
      take(member, piece);
    }
  });
}

template <class T>
void SampleRun<T>::run_piece(const Member& member, const Piece& piece,
                             const std::function<void(Range, const Piece&)>& seed) {
  const Range mine = member.share(piece.count);
  for (std::size_t k = 0; k < inputs_.size(); ++k) {
    const T** rows = workspace_.input_rows(k);
    for (Index i = mine.begin; i < mine.end; ++i) rows[i] = inputs_[k].row(piece.first + i);
  }
  const T* const theta = network_->theta().data();
  workspace_.prepare(member, theta, piece.count, {});
  workspace_.forward(member);
  const Range rows = member.share(piece.rows());
  if (copies_ > 1) {
    member.barrier();
    workspace_.repeat(rows, piece.count);
  }
  seed(rows, piece);
  workspace_.prepare(member, theta, piece.rows(), {});
  workspace_.backward_batch(member);
}

#define NNBIND_INSTANTIATE(T)      \
  template class LossGradients<T>; \
  template class SampleRun<T>;
NNBIND_INSTANTIATE(float)
NNBIND_INSTANTIATE(double)
#undef NNBIND_INSTANTIATE

}  // namespace nnbind
